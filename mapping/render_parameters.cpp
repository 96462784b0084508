#include "mapping/render_parameters.h"

#include "mapping/frame_look.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

namespace gantry::mapping {

namespace {

constexpr std::uint32_t longest_side = 32768; // of a viewport
constexpr double largest_number = 1e9;
constexpr std::size_t most_keywords = 16;

Error bad(std::string detail)
{
    return error(Errc::malformed, std::move(detail));
}

std::vector<std::string_view> split(std::string_view text)
{
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t comma = text.find(',');
        parts.push_back(text.substr(0, comma));
        if (comma == std::string_view::npos)
            return parts;
        text.remove_prefix(comma + 1);
    }
}

template <class Number>
std::optional<Number> number(std::string_view text)
{
    Number value{};
    if (text.starts_with('+'))
        text.remove_prefix(1);
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::optional<double> decimal(std::string_view text)
{
    const auto value = number<double>(text);
    return value && std::isfinite(*value) && std::abs(*value) <= largest_number ? value
                                                                                : std::nullopt;
}

std::optional<std::uint32_t> side(std::string_view text)
{
    const auto value = number<std::uint32_t>(text);
    return value && *value > 0 && *value <= longest_side ? value : std::nullopt;
}

std::optional<VoiFunction> function_of(std::string_view name)
{
    if (name == "linear")
        return VoiFunction::linear;
    if (name == "linear-exact")
        return VoiFunction::linear_exact;
    if (name == "sigmoid")
        return VoiFunction::sigmoid;
    return std::nullopt;
}

/// Of one part of a viewport: false where it is no number. Empty: stays as it is.
template <class Into>
bool read_part(std::span<const std::string_view> parts, std::size_t index, Into& into)
{
    if (index >= parts.size() || parts[index].empty())
        return true;
    const auto value = decimal(parts[index]);
    if (value)
        into = *value;
    return value.has_value();
}

bool is_keyword(std::string_view text)
{
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, fits);
}

class Reader {
public:
    explicit Reader(RenderResource resource) : resource_(resource) {}

    Result<void> take(const std::string& name, std::string_view value);
    Result<RenderParameters> finish();

private:
    Result<void> take_common(const std::string& name, std::string_view value);
    Result<void> take_uri(const std::string& name, std::string_view value);
    Result<void> take_annotation(std::string_view value);
    Result<void> take_profile(std::string_view value);
    Result<void> take_quality(std::string_view value);

    bool is_uri() const noexcept { return resource_ == RenderResource::uri; }

    RenderResource resource_;
    std::set<std::string> seen_;
    RenderParameters out_;
    std::optional<double> center_;
    std::optional<double> width_;
    std::optional<std::uint32_t> rows_;
    std::optional<std::uint32_t> columns_;
};

Result<void> Reader::take_annotation(std::string_view value)
{
    const auto keywords = split(value);
    if (keywords.size() > most_keywords || !std::ranges::all_of(keywords, is_keyword))
        return bad("annotation is a list of keywords");
    out_.ignored_annotation.assign(keywords.begin(), keywords.end());
    return {};
}

Result<void> Reader::take_profile(std::string_view value)
{
    constexpr std::string_view known[] = {"no", "yes", "srgb", "adobergb", "rommrgb"};
    if (std::ranges::find(known, value) == std::end(known))
        return bad("iccprofile is one of no, yes, srgb, adobergb, rommrgb");
    out_.colour_profile = value != "no";
    return {};
}

Result<void> Reader::take_quality(std::string_view value)
{
    const auto quality = number<unsigned>(value);
    if (!quality || *quality < 1 || *quality > best_quality)
        return bad("quality is a whole number from 1 to 100");
    out_.quality = *quality;
    return {};
}

Result<void> Reader::take_common(const std::string& name, std::string_view value)
{
    if (name == "quality")
        return take_quality(value);
    if (name == "viewport")
        return parse_viewport(value, resource_ == RenderResource::thumbnail, out_.options);
    if (name == "iccprofile")
        return take_profile(value);
    if (name != "window")
        return {};
    const auto window = parse_window(value);
    if (!window)
        return window.error();
    out_.options.window = *window;
    return {};
}

Result<void> Reader::take_uri(const std::string& name, std::string_view value)
{
    if (name == "imageQuality")
        return take_quality(value);
    if (name == "windowCenter" || name == "windowWidth") {
        const auto read = decimal(value);
        (name == "windowCenter" ? center_ : width_) = read;
        return read ? Result<void>() : bad(name + " is a decimal number");
    }
    if (name == "rows" || name == "columns") {
        const auto read = side(value);
        (name == "rows" ? rows_ : columns_) = read;
        return read ? Result<void>() : bad(name + " is a whole number from 1 to 32768");
    }
    if (name == "frameNumber") {
        out_.frame = number<std::uint32_t>(value);
        return out_.frame && *out_.frame > 0 ? Result<void>()
                                             : bad("frameNumber is a whole number from 1");
    }
    if (name == "presentationUID")
        out_.presentation = std::string(value);
    if (name != "region")
        return {};
    const auto region = parse_region(value);
    if (!region)
        return region.error();
    out_.options.fraction = *region;
    return {};
}

Result<void> Reader::take(const std::string& name, std::string_view value)
{
    constexpr std::string_view known[] = {
        "annotation",
        "charset",
        "columns",
        "frameNumber",
        "iccprofile",
        "imageAnnotation",
        "imageQuality",
        "presentationUID",
        "quality",
        "region",
        "rows",
        "viewport",
        "window",
        "windowCenter",
        "windowWidth"
    };
    if (std::ranges::find(known, name) == std::end(known))
        return {};
    if (!seen_.insert(name).second)
        return bad(name + " is given twice");
    if (name == "annotation" || (name == "imageAnnotation" && is_uri()))
        return take_annotation(value);
    return is_uri() ? take_uri(name, value) : take_common(name, value);
}

Result<RenderParameters> Reader::finish()
{
    if (center_.has_value() != width_.has_value())
        return bad("windowCenter and windowWidth come together");
    if (rows_.has_value() != columns_.has_value())
        return bad("rows and columns come together");
    if (center_) {
        out_.options.window = VoiWindow{*center_, *width_};
        if (!is_usable(*out_.options.window))
            return bad("windowWidth is 1 or more");
    }
    if (rows_) {
        out_.options.max_width = *columns_;
        out_.options.max_height = *rows_;
    }
    const bool shown_by_itself = out_.options.window || out_.frame;
    if (out_.presentation && shown_by_itself)
        return bad("a presentation state excludes a window and a frame");
    return std::move(out_);
}

} // namespace

Result<VoiWindow> parse_window(std::string_view text)
{
    const auto parts = split(text);
    const Error wrong = bad("window is center,width,function; function linear, linear-exact or "
                            "sigmoid");
    if (parts.size() != 3)
        return wrong;
    const auto center = decimal(parts[0]);
    const auto width = decimal(parts[1]);
    const auto function = function_of(parts[2]);
    if (!center || !width || !function)
        return wrong;
    const VoiWindow window{*center, *width, *function};
    return is_usable(window) ? Result<VoiWindow>(window) : bad("such a width shows nothing");
}

Result<void> parse_viewport(std::string_view text, bool thumbnail, RenderOptions& into)
{
    const Error wrong =
        bad(thumbnail ? "viewport of a thumbnail is vw,vh, both from 1 to 32768"
                      : "viewport is vw,vh[,sx,sy,sw,sh], vw and vh from 1 to 32768");
    const auto parts = split(text);
    if (parts.size() < 2 || parts.size() > (thumbnail ? 2U : 6U))
        return wrong;
    const auto width = side(parts[0]);
    const auto height = side(parts[1]);
    PixelRegion region;
    const bool read = read_part(parts, 2, region.left) && read_part(parts, 3, region.top) &&
                      read_part(parts, 4, region.width) && read_part(parts, 5, region.height);
    if (!width || !height || !read || region.left < 0 || region.top < 0 ||
        region.width.value_or(1) == 0 || region.height.value_or(1) == 0)
        return wrong;
    into.max_width = *width;
    into.max_height = *height;
    if (parts.size() > 2)
        into.pixels = region;
    return {};
}

Result<FractionRegion> parse_region(std::string_view text)
{
    const auto parts = split(text);
    std::array<double, 4> edges{};
    bool read = parts.size() == edges.size();
    for (std::size_t i = 0; read && i < edges.size(); ++i) {
        const auto edge = decimal(parts[i]);
        read = edge && *edge >= 0 && *edge <= 1;
        edges.at(i) = edge.value_or(0);
    }
    if (!read || edges[0] >= edges[2] || edges[1] >= edges[3])
        return bad("region is xmin,ymin,xmax,ymax, each from 0 to 1");
    return FractionRegion{edges[0], edges[1], edges[2], edges[3]};
}

Result<RenderParameters>
read_render_parameters(RenderResource resource, std::span<const QueryPair> query)
{
    Reader reader(resource);
    for (const auto& [name, value] : query)
        if (const auto taken = reader.take(name, value); !taken)
            return taken.error();
    return reader.finish();
}

} // namespace gantry::mapping
