#include "mapping/frame_codec.h"
#include "mapping/pixel_stage.h"

#include <utility>

namespace gantry::mapping {

namespace {

constexpr std::uint64_t largest_value = 0xfffffffe;

} // namespace

PixelDecoder::PixelDecoder(
    std::string_view from, Headers headers, TokenWriter::Out out, const TranscodeLimits& limits
)
    : PixelStage(std::move(out), headers),
      codec_(codec_of(from)),
      loss_(loss_of(from)),
      limits_(limits)
{
}

std::string decoded_photometric(Codec codec, const std::string& coded)
{
    const bool transformed = coded == "YBR_RCT" || coded == "YBR_ICT";
    const bool ybr = coded == "YBR_FULL" || coded == "YBR_FULL_422";
    if (codec == Codec::jpeg_2000 && transformed)
        return "RGB";
    if (codec == Codec::jpeg && ybr)
        return "RGB";
    return ybr && codec != Codec::encapsulated ? "YBR_FULL" : coded;
}

Colours decoded_colours(Codec codec, const std::string& coded)
{
    const bool ybr = coded == "YBR_FULL" || coded == "YBR_FULL_422";
    const bool to_rgb = codec == Codec::jpeg ? ybr : codec == Codec::jpeg_2000 && !ybr;
    return to_rgb ? Colours::to_rgb : Colours::as_coded;
}

std::string PixelDecoder::photometric(const ImageAttributes& image) const
{
    return decoded_photometric(codec_, image.photometric);
}

/// C.7.6.1.1.5: once lossy, always lossy.
std::optional<std::string> PixelDecoder::lossy(const std::string& old) const
{
    if (loss_ == Loss::always || (loss_ == Loss::maybe && old.empty()))
        return "01";
    return std::nullopt;
}

bool PixelDecoder::takes(const Token& token) const
{
    if (token.kind == Token::Kind::fragments)
        return true;
    return token.depth == 0 &&
           (token.tag == tag::extended_offset_table || token.tag == tag::extended_offset_lengths ||
            token.tag == tag::pixel_data);
}

Result<void> PixelDecoder::begin_taken(const Token& token)
{
    if (token.kind == Token::Kind::fragments)
        return open(token);
    if (token.kind == Token::Kind::fragment)
        return gatherer_->begin_fragment(token.length);
    if (token.tag == tag::pixel_data)
        return error(Errc::malformed, "native pixel data in a compressed transfer syntax");
    dropping_ = true; // offsets into what will be gone
    return {};
}

Result<void> PixelDecoder::taken_value(ConstBytes piece)
{
    return dropping_ ? Result<void>() : gatherer_->value(piece);
}

Result<void> PixelDecoder::end_taken(const Token& token)
{
    if (token.kind == Token::Kind::fragment)
        return gatherer_->end_fragment();
    if (token.kind == Token::Kind::fragments)
        return close();
    dropping_ = false;
    return {};
}

Result<void> PixelDecoder::open(const Token& token)
{
    decoding_ = image();
    if (token.tag != tag::pixel_data)
        return error(Errc::malformed, "fragments of something that is no image");
    if (const auto checked = decoding_.check(); !checked)
        return checked.error();
    // Of an icon, the attributes are out before its pixels say that they are compressed.
    if (token.depth > 0 && decoding_.shape.samples > 1)
        return error(Errc::unsupported, "a compressed icon in colour");
    if (codec_ == Codec::encapsulated &&
        (decoding_.planar || decoding_.photometric == "YBR_FULL_422"))
        return error(Errc::unsupported, "encapsulated frames of such colours");
    const std::uint64_t frame = decoding_.shape.bytes();
    if (frame > limits_.frame.count || frame * decoding_.frames > largest_value)
        return error(Errc::too_large, "an image that is not compressed");
    frame_.resize(static_cast<std::size_t>(frame));
    element_ = token;
    element_.kind = Token::Kind::element;
    element_.vr = decoding_.shape.bits_allocated > 8 ? vr::ow : vr::ob;
    element_.length = static_cast<std::uint32_t>(frame * decoding_.frames);
    gatherer_.emplace(
        FragmentGatherer::What{codec_, decoding_.frames, limits_.codestream.count},
        [this](ConstBytes codestream) { return decode(codestream); }
    );
    return writer().begin(element_);
}

Result<void> PixelDecoder::decode(ConstBytes codestream)
{
    const Colours colours = decoded_colours(codec_, decoding_.photometric);
    const auto decoded = decode_frame(codec_, codestream, decoding_.shape, colours, frame_);
    return decoded ? writer().value(element_, frame_) : decoded;
}

Result<void> PixelDecoder::close()
{
    if (const auto whole = gatherer_->finish(); !whole)
        return whole.error();
    gatherer_.reset();
    frame_ = {};
    return writer().end(element_);
}

} // namespace gantry::mapping
