#include "mapping/pixel_stage.h"

#include <utility>

namespace gantry::mapping {

namespace {

constexpr Vr cs = make_vr('C', 'S');
constexpr std::size_t longest_replaced = 64;

bool is_replaced(const Token& token)
{
    return token.depth == 0 && token.kind == Token::Kind::element &&
           (token.tag == tag::photometric_interpretation ||
            token.tag == tag::planar_configuration || token.tag == tag::lossy_image_compression);
}

std::string trimmed(std::string text)
{
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0'))
        text.pop_back();
    return text;
}

} // namespace

Result<void> PixelStage::begin(const Token& token)
{
    reader_.begin(token);
    if (taken_)
        return begin_taken(token);
    if (token.depth == 0 && token.kind != Token::Kind::item) {
        if (const auto written = write_before(token.tag); !written)
            return written.error();
    }
    taken_ = takes(token);
    if (taken_)
        return begin_taken(token);
    replacing_ = is_replaced(token);
    replaced_.clear();
    return replacing_ ? Result<void>() : writer_.begin(token);
}

Result<void> PixelStage::value(const Token& token, ConstBytes piece)
{
    reader_.value(token, piece);
    if (taken_)
        return taken_value(piece);
    if (!replacing_)
        return writer_.value(token, piece);
    if (replaced_.size() + piece.size() > longest_replaced)
        return error(Errc::malformed, "an image attribute of such length");
    replaced_.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
}

Result<void> PixelStage::end(const Token& token)
{
    reader_.end(token);
    if (taken_) {
        taken_ = token.kind == Token::Kind::fragment;
        return end_taken(token);
    }
    return std::exchange(replacing_, false) ? write_replaced(token) : writer_.end(token);
}

Result<void> PixelStage::finish()
{
    if (const auto written = write_before({0xffff, 0xffff}); !written)
        return written.error();
    return writer_.flush();
}

/// What was not there and has to be, in its place.
Result<void> PixelStage::write_before(Tag tag)
{
    if (tag > tag::planar_configuration && !std::exchange(planar_written_, true) &&
        image().shape.samples > 1) {
        constexpr std::byte by_pixel[2] = {};
        if (const auto written =
                writer_.element(tag::planar_configuration, vr::us, ConstBytes(by_pixel));
            !written)
            return written.error();
    }
    if (tag > tag::lossy_image_compression && !std::exchange(lossy_written_, true) &&
        !image().photometric.empty()) {
        if (const auto marked = lossy({}))
            return text(tag::lossy_image_compression, *marked);
    }
    return {};
}

Result<void> PixelStage::write_replaced(const Token& token)
{
    if (token.tag == tag::photometric_interpretation)
        return text(token.tag, photometric(image()));
    if (token.tag == tag::planar_configuration) {
        planar_written_ = true;
        constexpr std::byte by_pixel[2] = {};
        return image().shape.samples > 1 ? writer_.element(token.tag, vr::us, ConstBytes(by_pixel))
                                         : Result<void>();
    }
    lossy_written_ = true;
    const std::string old = trimmed(replaced_);
    return text(token.tag, lossy(old).value_or(old));
}

Result<void> PixelStage::text(Tag tag, std::string_view value)
{
    return writer_.element(tag, cs, std::as_bytes(std::span(value.data(), value.size())));
}

} // namespace gantry::mapping
