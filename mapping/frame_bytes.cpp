// The bytes of one frame (image_frames.h): as stored, and decoded.
#include "mapping/data_set_walk.h"
#include "mapping/image_frames.h"
#include "mapping/pixel_stage.h"

namespace gantry::mapping {

namespace {

/// Bits from `first_bit` on to the beginning of the first byte; what lies after the frame is
/// cleared (PS3.5 8.1.1: the lowest bit of a byte is the first pixel).
void shift_down(std::vector<std::byte>& bytes, unsigned first_bit, std::uint64_t bits)
{
    if (first_bit != 0) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const std::byte next = i + 1 < bytes.size() ? bytes[i + 1] : std::byte{0};
            bytes[i] = bytes[i] >> first_bit | next << (8 - first_bit);
        }
    }
    bytes.resize(static_cast<std::size_t>((bits + 7) / 8));
    if (bits % 8 != 0)
        bytes.back() &= static_cast<std::byte>((1U << (bits % 8)) - 1);
}

} // namespace

Result<std::vector<std::byte>> stored_frame(
    const RandomAccess& data_set, const ImageFrames& frames, std::uint32_t number, Bytes most
)
{
    const auto extent = frames.frame(data_set, number);
    if (!extent)
        return extent.error();
    const std::uint64_t length = extent->length();
    if (length > most.count)
        return error(Errc::too_large, "one frame");
    std::vector<std::byte> out(static_cast<std::size_t>(length));
    std::size_t at = 0;
    for (const Extent& piece : extent->pieces) {
        const auto size = static_cast<std::size_t>(piece.length);
        const auto into = std::span(out).subspan(at, size);
        if (const auto read = read_exactly(data_set, piece.offset, into); !read)
            return read.error();
        at += size;
    }
    if (frames.image().shape.bits_allocated == 1 && !frames.encapsulated())
        shift_down(out, extent->first_bit, frames.image().shape.values());
    return out;
}

Result<NativeFrame> native_frame(
    const RandomAccess& data_set, const ImageFrames& frames, std::uint32_t number, Bytes most
)
{
    NativeFrame out;
    out.shape = frames.image().shape;
    out.photometric = frames.image().photometric;
    out.planar = frames.image().planar;
    out.floating = frames.element() != tag::pixel_data;
    const Codec codec = frames.codec();
    if (codec == Codec::other)
        return error(Errc::unsupported, "decoding this transfer syntax");
    ImageAttributes one = frames.image();
    one.frames = 1;
    if (frames.encapsulated()) {
        if (const auto checked = one.check(); !checked)
            return checked.error();
        if (out.shape.bytes() > most.count)
            return error(Errc::too_large, "one frame that is not compressed");
    }
    auto stored = stored_frame(data_set, frames, number, most);
    if (!stored)
        return stored.error();
    if (!frames.encapsulated()) {
        out.bytes = std::move(*stored);
        return out;
    }
    out.bytes.resize(out.shape.bytes());
    out.photometric = decoded_photometric(codec, one.photometric);
    out.planar = codec == Codec::encapsulated && one.planar;
    const Colours colours = decoded_colours(codec, one.photometric);
    if (const auto decoded = decode_frame(codec, *stored, out.shape, colours, out.bytes); !decoded)
        return decoded.error();
    return out;
}

bool may_be_encoded(const ImageFrames& frames)
{
    ImageAttributes one = frames.image();
    one.frames = 1;
    const std::string photometric = frames.encapsulated()
                                        ? decoded_photometric(frames.codec(), one.photometric)
                                        : one.photometric;
    return frames.codec() != Codec::other && frames.element() == tag::pixel_data &&
           one.check().has_value() && can_encode(one.shape, photometric);
}

Result<std::vector<std::byte>> encoded_frame(const NativeFrame& frame, std::string_view syntax)
{
    if (frame.floating || !can_encode(frame.shape, frame.photometric) ||
        frame.bytes.size() != frame.shape.bytes())
        return error(Errc::unsupported, "compressing an image of such colours or bits");
    const Colours colours = frame.photometric == "RGB" ? Colours::to_rgb : Colours::as_coded;
    if (!frame.planar || frame.shape.samples == 1)
        return encode_frame(codec_of(syntax), frame.bytes, frame.shape, colours);
    const auto pixels = by_pixel(frame.bytes, frame.shape);
    return encode_frame(codec_of(syntax), pixels, frame.shape, colours);
}

} // namespace gantry::mapping
