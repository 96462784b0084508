#include "mapping/image_attributes.h"

#include <algorithm>
#include <charconv>

namespace gantry::mapping {

namespace {

constexpr std::uint32_t longest_value = 64;

constexpr Tag kept[] = {
    tag::samples_per_pixel,
    tag::photometric_interpretation,
    tag::planar_configuration,
    tag::number_of_frames,
    tag::rows,
    tag::columns,
    tag::bits_allocated,
    tag::bits_stored,
    tag::pixel_representation,
};

std::uint16_t number_of(const std::string& value, bool big_endian)
{
    if (value.size() < 2)
        return 0;
    const auto first = static_cast<unsigned char>(value[big_endian ? 1 : 0]);
    const auto second = static_cast<unsigned char>(value[big_endian ? 0 : 1]);
    return static_cast<std::uint16_t>(first | second << 8U);
}

std::string trimmed(const std::string& value)
{
    constexpr std::string_view padding(" \0", 2);
    const auto first = value.find_first_not_of(padding);
    const auto last = value.find_last_not_of(padding);
    return first == std::string::npos ? std::string() : value.substr(first, last - first + 1);
}

/// (0028,0008) IS. Nothing, or nonsense, is one frame.
std::uint32_t frames_of(const std::string& value)
{
    const std::string text = trimmed(value);
    std::uint32_t frames = 0;
    const char* first = text.data() + (text.starts_with('+') ? 1 : 0);
    const auto read = std::from_chars(first, text.data() + text.size(), frames);
    return read.ec == std::errc() && frames > 0 ? frames : 1;
}

} // namespace

Result<void> ImageAttributes::check() const
{
    const std::uint16_t bits = shape.bits_allocated;
    if (shape.rows == 0 || shape.columns == 0)
        return error(Errc::malformed, "an image without rows or columns");
    if (shape.samples != 1 && shape.samples != 3)
        return error(Errc::unsupported, "an image of neither one nor three samples");
    if (bits != 1 && bits != 8 && bits != 16 && bits != 32)
        return error(Errc::unsupported, "an image of such Bits Allocated");
    if (shape.bits_stored == 0 || shape.bits_stored > bits)
        return error(Errc::malformed, "Bits Stored that Bits Allocated do not hold");
    if (bits == 1 && frames > 1 && shape.values() % 8 != 0)
        return error(Errc::unsupported, "1 bit frames that end within a byte");
    return {};
}

void ImageAttributeReader::begin(const Token& token)
{
    if (token.kind == Token::Kind::item)
        open_.emplace_back();
    keeping_ = token.kind == Token::Kind::element && token.length <= longest_value &&
               std::ranges::find(kept, token.tag) != std::end(kept);
    value_.clear();
}

void ImageAttributeReader::value(const Token& /*token*/, ConstBytes piece)
{
    if (keeping_)
        value_.append(reinterpret_cast<const char*>(piece.data()), piece.size());
}

void ImageAttributeReader::end(const Token& token)
{
    if (token.kind == Token::Kind::item && open_.size() > 1)
        open_.pop_back();
    if (keeping_ && token.kind == Token::Kind::element)
        take(token);
    keeping_ = false;
}

void ImageAttributeReader::take(const Token& token)
{
    ImageAttributes& image = open_.back();
    const std::uint16_t number = number_of(value_, token.big_endian);
    if (token.tag == tag::samples_per_pixel)
        image.shape.samples = number;
    else if (token.tag == tag::photometric_interpretation)
        image.photometric = trimmed(value_);
    else if (token.tag == tag::planar_configuration)
        image.planar = number == 1;
    else if (token.tag == tag::number_of_frames)
        image.frames = frames_of(value_);
    else if (token.tag == tag::rows)
        image.shape.rows = number;
    else if (token.tag == tag::columns)
        image.shape.columns = number;
    else if (token.tag == tag::bits_allocated)
        image.shape.bits_allocated = number;
    else if (token.tag == tag::bits_stored)
        image.shape.bits_stored = number;
    else if (token.tag == tag::pixel_representation)
        image.shape.is_signed = number == 1;
}

} // namespace gantry::mapping
