#include "mapping/frame_codec.h"
#include "mapping/pixel_stage.h"

#include <algorithm>
#include <utility>

namespace gantry::mapping {

std::vector<std::byte> by_pixel(std::span<const std::byte> planes, const FrameShape& shape)
{
    const std::size_t wide = shape.bytes_per_value();
    std::vector<std::byte> out(planes.size());
    for (std::size_t sample = 0; sample < shape.samples; ++sample)
        for (std::size_t pixel = 0; pixel < shape.pixels(); ++pixel)
            std::copy_n(
                &planes[(sample * shape.pixels() + pixel) * wide],
                wide,
                &out[(pixel * shape.samples + sample) * wide]
            );
    return out;
}

bool can_encode(const FrameShape& shape, std::string_view photometric)
{
    return photometric != "YBR_FULL_422" && !photometric.starts_with("YBR_PARTIAL") &&
           shape.bits_allocated >= 8;
}

PixelEncoder::PixelEncoder(std::string_view to, TokenWriter::Out out, const TranscodeLimits& limits)
    : PixelStage(std::move(out), Headers::explicit_vr), codec_(codec_of(to)), limits_(limits)
{
}

/// PS3.5 8.2.4: the reversible transform of JPEG 2000 is named.
std::string PixelEncoder::photometric(const ImageAttributes& image) const
{
    const bool rgb = image.photometric == "RGB";
    return codec_ == Codec::jpeg_2000 && rgb ? "YBR_RCT" : image.photometric;
}

std::optional<std::string> PixelEncoder::lossy(const std::string& /*old*/) const
{
    return std::nullopt;
}

bool PixelEncoder::takes(const Token& token) const
{
    return token.depth == 0 && token.tag == tag::pixel_data;
}

Result<void> PixelEncoder::begin_taken(const Token& token)
{
    encoding_ = image();
    if (const auto checked = encoding_.check(); !checked)
        return checked.error();
    if (token.kind != Token::Kind::element)
        return error(Errc::malformed, "compressed pixel data in a native transfer syntax");
    if (!can_encode(encoding_.shape, encoding_.photometric))
        return error(Errc::unsupported, "compressing an image of such colours or bits");
    const std::uint64_t frame = encoding_.shape.bytes();
    const std::uint64_t all = frame * encoding_.frames;
    if (frame > limits_.frame.count)
        return error(Errc::too_large, "an image that is not compressed");
    if (token.length != all && token.length != all + all % 2)
        return error(Errc::malformed, "pixel data of another size than their image");
    frame_.reserve(static_cast<std::size_t>(frame));
    Token fragments;
    fragments.kind = Token::Kind::fragments;
    fragments.tag = tag::pixel_data;
    fragments.length = undefined_length;
    if (const auto begun = writer().begin(fragments); !begun)
        return begun.error();
    return fragment({}); // the basic offset table: empty, since nobody knows it yet (PS3.5 A.4)
}

Result<void> PixelEncoder::taken_value(ConstBytes piece)
{
    const std::size_t whole = encoding_.shape.bytes();
    while (!piece.empty() && encoded_ < encoding_.frames) {
        const std::size_t part = std::min(piece.size(), whole - frame_.size());
        frame_.insert(frame_.end(), piece.begin(), piece.begin() + static_cast<long>(part));
        piece = piece.subspan(part);
        if (frame_.size() < whole)
            continue;
        if (const auto encoded = encode(); !encoded)
            return encoded.error();
    }
    return {};
}

Result<void> PixelEncoder::encode()
{
    const FrameShape& shape = encoding_.shape;
    if (encoding_.planar && shape.samples > 1)
        frame_ = by_pixel(frame_, shape);
    const Colours colours = encoding_.photometric == "RGB" ? Colours::to_rgb : Colours::as_coded;
    const auto made = encode_frame(codec_, frame_, shape, colours);
    if (!made)
        return made.error();
    if (made->size() > limits_.codestream.count)
        return error(Errc::too_large, "the codestream of one frame");
    frame_.clear();
    ++encoded_;
    return fragment(*made);
}

Result<void> PixelEncoder::fragment(ConstBytes bytes)
{
    Token token;
    token.kind = Token::Kind::fragment;
    token.tag = {0xfffe, 0xe000};
    token.length = static_cast<std::uint32_t>(bytes.size());
    if (const auto begun = writer().begin(token); !begun)
        return begun.error();
    if (const auto written = writer().value(token, bytes); !written)
        return written.error();
    return writer().end(token);
}

Result<void> PixelEncoder::end_taken(const Token& /*token*/)
{
    if (encoded_ != encoding_.frames)
        return error(Errc::truncated, "pixel data end before their image");
    frame_ = {};
    Token fragments;
    fragments.kind = Token::Kind::fragments;
    fragments.tag = tag::pixel_data;
    return writer().end(fragments);
}

} // namespace gantry::mapping
