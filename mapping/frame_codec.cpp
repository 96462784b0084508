#include "mapping/frame_codec.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace gantry::mapping {

namespace {

struct Row {
    std::string_view uid;
    Codec codec;
    Loss loss;
    bool encoded;
};

// PS3.5 10, A.4; PS3.6 table A-1.
constexpr Row rows[] = {
    {"1.2.840.10008.1.2", Codec::none, Loss::never, false},
    {"1.2.840.10008.1.2.1", Codec::none, Loss::never, false},
    {"1.2.840.10008.1.2.1.98", Codec::encapsulated, Loss::never, false},
    {"1.2.840.10008.1.2.1.99", Codec::none, Loss::never, false},
    {"1.2.840.10008.1.2.2", Codec::none, Loss::never, false},
    {"1.2.840.10008.1.2.5", Codec::rle, Loss::never, true},
    {"1.2.840.10008.1.2.4.50", Codec::jpeg, Loss::always, false},
    {"1.2.840.10008.1.2.4.51", Codec::jpeg, Loss::always, false},
    {"1.2.840.10008.1.2.4.57", Codec::jpeg_lossless, Loss::never, false},
    {"1.2.840.10008.1.2.4.70", Codec::jpeg_lossless, Loss::never, true},
    {"1.2.840.10008.1.2.4.80", Codec::jpeg_ls, Loss::never, true},
    {"1.2.840.10008.1.2.4.81", Codec::jpeg_ls, Loss::maybe, false},
    {"1.2.840.10008.1.2.4.90", Codec::jpeg_2000, Loss::never, true},
    {"1.2.840.10008.1.2.4.91", Codec::jpeg_2000, Loss::maybe, false},
    {"1.2.840.10008.1.2.4.201", Codec::jpeg_2000, Loss::never, false},
    {"1.2.840.10008.1.2.4.202", Codec::jpeg_2000, Loss::never, false},
    {"1.2.840.10008.1.2.4.203", Codec::jpeg_2000, Loss::maybe, false},
};

const Row* row_of(std::string_view uid)
{
    const auto* found = std::ranges::find(rows, uid, &Row::uid);
    return found == std::end(rows) ? nullptr : found;
}

bool starts_with(ConstBytes bytes, std::initializer_list<unsigned> with)
{
    const auto same = [](std::byte byte, unsigned number) {
        return std::to_integer<unsigned>(byte) == number;
    };
    return bytes.size() >= with.size() &&
           std::equal(with.begin(), with.end(), bytes.begin(), [&](unsigned number, std::byte b) {
               return same(b, number);
           });
}

/// The codestream with at most one byte of padding, if that.
Result<void> unwrap(ConstBytes codestream, std::span<std::byte> out)
{
    if (codestream.size() != out.size() && codestream.size() != out.size() + out.size() % 2)
        return error(Errc::malformed, "a native frame has another size than its image");
    std::memcpy(out.data(), codestream.data(), out.size());
    return {};
}

} // namespace

Codec codec_of(std::string_view transfer_syntax)
{
    const Row* row = row_of(transfer_syntax);
    return row == nullptr ? Codec::other : row->codec;
}

Loss loss_of(std::string_view transfer_syntax)
{
    const Row* row = row_of(transfer_syntax);
    return row == nullptr ? Loss::maybe : row->loss;
}

bool is_encoded_here(std::string_view transfer_syntax)
{
    const Row* row = row_of(transfer_syntax);
    return row != nullptr && row->encoded;
}

Result<void> decode_frame(
    Codec codec,
    ConstBytes codestream,
    const FrameShape& shape,
    Colours colours,
    std::span<std::byte> out
)
{
    switch (codec) {
    case Codec::encapsulated: return unwrap(codestream, out);
    case Codec::rle: return decode_rle(codestream, shape, out);
    case Codec::jpeg:
    case Codec::jpeg_lossless: return decode_jpeg(codestream, shape, colours, out);
    case Codec::jpeg_ls: return decode_jpeg_ls(codestream, shape, out);
    case Codec::jpeg_2000: return decode_jpeg_2000(codestream, shape, colours, out);
    case Codec::none:
    case Codec::other: break;
    }
    return error(Errc::unsupported, "decoding this transfer syntax");
}

Result<std::vector<std::byte>>
encode_frame(Codec codec, ConstBytes frame, const FrameShape& shape, Colours colours)
{
    switch (codec) {
    case Codec::rle: return encode_rle(frame, shape);
    case Codec::jpeg_lossless: return encode_jpeg_lossless(frame, shape);
    case Codec::jpeg_ls: return encode_jpeg_ls(frame, shape);
    case Codec::jpeg_2000: return encode_jpeg_2000(frame, shape, colours);
    case Codec::none:
    case Codec::encapsulated:
    case Codec::jpeg:
    case Codec::other: break;
    }
    return error(Errc::unsupported, "encoding this transfer syntax");
}

bool begins_codestream(Codec codec, ConstBytes fragment)
{
    switch (codec) {
    case Codec::jpeg:
    case Codec::jpeg_lossless:
    case Codec::jpeg_ls: return starts_with(fragment, {0xff, 0xd8, 0xff});
    case Codec::jpeg_2000:
        return starts_with(fragment, {0xff, 0x4f, 0xff, 0x51}) ||
               starts_with(fragment, {0, 0, 0, 0x0c, 0x6a, 0x50, 0x20, 0x20}); // boxes, in spite
                                                                               // of PS3.5 A.4.4
    default: return true; // one fragment for each frame: PS3.5 A.4.2, A.4.11
    }
}

Result<void> store_values(
    ConstBytes values, std::size_t bytes_each, const FrameShape& shape, std::span<std::byte> out
)
{
    const std::size_t wide = shape.bytes_per_value();
    if (wide < bytes_each || wide == 0)
        return error(Errc::malformed, "a codestream has more bits than its image");
    if (wide == bytes_each) {
        std::memcpy(out.data(), values.data(), out.size());
        return {};
    }
    std::ranges::fill(out, std::byte{0});
    for (std::size_t i = 0; i < shape.values(); ++i)
        std::memcpy(&out[i * wide], &values[i * bytes_each], bytes_each);
    return {};
}

} // namespace gantry::mapping
