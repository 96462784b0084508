// RLE as PS3.5 annex G has it: each byte of the samples in a segment of its own, packed by runs.
#include "mapping/frame_codec.h"

#include <algorithm>
#include <array>

namespace gantry::mapping {

namespace {

constexpr std::size_t header_size = 64;
constexpr std::size_t max_segments = 15;
constexpr std::size_t longest_run = 128;

std::uint32_t number_at(ConstBytes bytes, std::size_t at)
{
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i)
        number |= std::to_integer<std::uint32_t>(bytes[at + i]) << (8 * i);
    return number;
}

Error bad(const char* what)
{
    return error(Errc::malformed, what);
}

/// Where the values of one segment go: every `step` bytes.
struct Lane {
    std::span<std::byte> out;
    std::size_t at;
    std::size_t step;
    std::size_t left; // values

    bool put(std::byte value)
    {
        if (left == 0)
            return false;
        out[at] = value;
        at += step;
        --left;
        return true;
    }
};

/// PS3.5 G.3.2. What follows the last value can only be padding.
Result<void> unpack(ConstBytes segment, Lane lane)
{
    std::size_t at = 0;
    while (lane.left > 0) {
        if (at >= segment.size())
            return bad("an RLE segment ends before its image");
        const auto head = std::to_integer<std::uint8_t>(segment[at++]);
        if (head == 0x80)
            continue;
        const bool run = head > 0x80;
        const std::size_t count = run ? 257U - head : head + 1U;
        const std::size_t taken = run ? 1 : count;
        if (taken > segment.size() - at)
            return bad("an RLE segment is cut short");
        for (std::size_t i = 0; i < count; ++i)
            if (!lane.put(segment[at + (run ? 0 : i)]))
                return bad("an RLE segment is longer than its image");
        at += taken;
    }
    const auto is_padding = [](std::byte b) { return b == std::byte{0} || b == std::byte{0x80}; };
    return std::ranges::all_of(segment.subspan(at), is_padding)
               ? Result<void>()
               : bad("an RLE segment is longer than its image");
}

/// PS3.5 G.3.1: one row of one segment.
void pack(const std::vector<std::byte>& row, std::vector<std::byte>& out)
{
    for (std::size_t at = 0; at < row.size();) {
        const auto run_at = [&](std::size_t from) {
            std::size_t end = from + 1;
            while (end < row.size() && end - from < longest_run && row[end] == row[from])
                ++end;
            return end - from;
        };
        const std::size_t run = run_at(at);
        if (run > 1) {
            out.push_back(static_cast<std::byte>(257 - run));
            out.push_back(row[at]);
            at += run;
            continue;
        }
        std::size_t end = at + 1;
        while (end < row.size() && end - at < longest_run && run_at(end) < 3)
            ++end;
        out.push_back(static_cast<std::byte>(end - at - 1));
        for (; at < end; ++at)
            out.push_back(row[at]);
    }
}

std::size_t segments_of(const FrameShape& shape)
{
    return shape.bits_allocated == 1 ? shape.samples : shape.samples * shape.bytes_per_value();
}

} // namespace

Result<void> decode_rle(ConstBytes codestream, const FrameShape& shape, std::span<std::byte> out)
{
    const std::size_t segments = segments_of(shape);
    if (codestream.size() < header_size || number_at(codestream, 0) != segments ||
        segments > max_segments || (shape.bits_allocated == 1 && shape.samples != 1))
        return bad("an RLE header that does not fit its image");
    const std::size_t bytes = std::max<std::size_t>(1, shape.bytes_per_value());
    for (std::size_t segment = 0; segment < segments; ++segment) {
        const std::size_t from = number_at(codestream, 4 + 4 * segment);
        const std::size_t to =
            segment + 1 < segments ? number_at(codestream, 8 + 4 * segment) : codestream.size();
        if (from < header_size || to > codestream.size() || from > to)
            return bad("an RLE offset outside of its frame");
        // The most significant byte of a sample comes first (G.2).
        const std::size_t sample = segment / bytes;
        const std::size_t byte = bytes - 1 - segment % bytes;
        const Lane lane{
            out,
            sample * bytes + byte,
            segments,
            shape.bits_allocated == 1 ? out.size() : shape.pixels()
        };
        if (const auto unpacked = unpack(codestream.subspan(from, to - from), lane); !unpacked)
            return unpacked.error();
    }
    return {};
}

Result<std::vector<std::byte>> encode_rle(ConstBytes frame, const FrameShape& shape)
{
    const std::size_t segments = segments_of(shape);
    if (shape.bits_allocated == 1 || segments > max_segments)
        return error(Errc::unsupported, "RLE of this many bits");
    const std::size_t bytes = shape.bytes_per_value();
    std::vector<std::byte> out(header_size);
    const auto put_number = [&out](std::size_t at, std::size_t number) {
        for (std::size_t i = 0; i < 4; ++i)
            out[at + i] = static_cast<std::byte>(number >> (8 * i) & 0xffU);
    };
    put_number(0, segments);
    std::vector<std::byte> row(shape.columns);
    for (std::size_t segment = 0; segment < segments; ++segment) {
        put_number(4 + 4 * segment, out.size());
        const std::size_t lane = segment / bytes * bytes + bytes - 1 - segment % bytes;
        for (std::size_t y = 0; y < shape.rows; ++y) {
            for (std::size_t x = 0; x < shape.columns; ++x)
                row[x] = frame[(y * shape.columns + x) * segments + lane];
            pack(row, out);
        }
        if (out.size() % 2 != 0) // G.5
            out.push_back(std::byte{0});
    }
    return out;
}

} // namespace gantry::mapping
