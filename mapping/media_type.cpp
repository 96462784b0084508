#include "mapping/media_type.h"

#include <algorithm>

namespace gantry::mapping {

namespace {

constexpr std::size_t max_members = 64; // of an Accept header; more are not looked at

bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_token(char c)
{
    constexpr std::string_view others = "!#$%&'*+-.^_`|~"; // RFC 9110 5.6.2
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           others.find(c) != std::string_view::npos;
}

std::string lower(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    return out;
}

/// Reads from the front of a header value.
class Reader {
public:
    explicit Reader(std::string_view text) : left_(text) {}

    void skip_spaces()
    {
        while (!left_.empty() && is_space(left_.front()))
            left_.remove_prefix(1);
    }

    bool take(char c)
    {
        skip_spaces();
        if (!left_.starts_with(c))
            return false;
        left_.remove_prefix(1);
        return true;
    }

    bool at_end()
    {
        skip_spaces();
        return left_.empty();
    }

    bool at_comma()
    {
        skip_spaces();
        return left_.starts_with(',');
    }

    std::string_view token(std::string_view also = {})
    {
        std::size_t size = 0;
        while (size < left_.size() &&
               (is_token(left_[size]) || also.find(left_[size]) != std::string_view::npos))
            ++size;
        const std::string_view found = left_.substr(0, size);
        left_.remove_prefix(size);
        return found;
    }

    /// After the opening quote.
    std::optional<std::string> quoted()
    {
        std::string out;
        while (!left_.empty()) {
            char c = left_.front();
            left_.remove_prefix(1);
            if (c == '"')
                return out;
            if (c == '\\') {
                if (left_.empty())
                    break;
                c = left_.front();
                left_.remove_prefix(1);
            }
            out.push_back(c);
        }
        return std::nullopt;
    }

    /// To the next comma that stands in no quotes: past a member that cannot be read.
    void skip_member()
    {
        while (!left_.empty() && !left_.starts_with(',')) {
            const bool quote = left_.front() == '"';
            left_.remove_prefix(1);
            if (quote)
                quoted();
        }
    }

private:
    std::string_view left_;
};

bool read_parameter(Reader& reader, MediaType& media)
{
    reader.skip_spaces();
    const std::string name = lower(reader.token());
    if (name.empty())
        return true; // RFC 9110 5.6.6: a lone ";" is no parameter
    if (!reader.take('='))
        return false;
    reader.skip_spaces();
    std::optional<std::string> value;
    if (reader.take('"'))
        value = reader.quoted();
    else
        value = std::string(reader.token("/:=?@")); // type=application/dicom and the like
    if (!value)
        return false;
    media.parameters.emplace_back(name, std::move(*value));
    return true;
}

std::optional<MediaType> read_media(Reader& reader)
{
    MediaType media;
    reader.skip_spaces();
    media.type = lower(reader.token());
    if (media.type.empty() || !reader.take('/'))
        return std::nullopt;
    media.subtype = lower(reader.token());
    if (media.subtype.empty() || (media.type == "*" && media.subtype != "*"))
        return std::nullopt;
    while (reader.take(';')) {
        if (!read_parameter(reader, media))
            return std::nullopt;
    }
    return media;
}

/// RFC 9110 12.4.2: 0 to 1 with up to three decimals.
std::optional<unsigned> read_quality(std::string_view text)
{
    if (text.empty() || (text.front() != '0' && text.front() != '1') || text.size() > 5)
        return std::nullopt;
    unsigned quality = text.front() == '1' ? 1000 : 0;
    if (text.size() > 1 && text[1] != '.')
        return std::nullopt;
    unsigned weight = 100;
    for (const char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
        if (c < '0' || c > '9')
            return std::nullopt;
        quality += weight * static_cast<unsigned>(c - '0');
        weight /= 10;
    }
    return quality <= 1000 ? std::optional(quality) : std::nullopt;
}

std::optional<MediaRange> to_range(MediaType media)
{
    MediaRange range{std::move(media)};
    auto& parameters = range.media.parameters;
    const auto q = std::ranges::find(parameters, "q", &std::pair<std::string, std::string>::first);
    if (q == parameters.end())
        return range;
    const auto quality = read_quality(q->second);
    if (!quality)
        return std::nullopt;
    range.quality = *quality;
    parameters.erase(q, parameters.end()); // what follows q is of Accept, not of the type
    return range;
}

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return lower(a) == lower(b);
}

/// RFC 9110 12.5.1: the more specific range goes before.
unsigned specificity(const MediaType& range)
{
    unsigned points = (range.type != "*" ? 4U : 0U) + (range.subtype != "*" ? 4U : 0U);
    points += range.parameter("type").empty() ? 0U : 2U;
    const std::string_view syntax = range.parameter("transfer-syntax");
    points += syntax.empty() || syntax == "*" ? 0U : 1U;
    return points;
}

} // namespace

std::string_view MediaType::parameter(std::string_view name) const
{
    for (const auto& [known, value] : parameters) {
        if (known == name)
            return value;
    }
    return {};
}

std::optional<MediaType> parse_media_type(std::string_view text)
{
    Reader reader(text);
    auto media = read_media(reader);
    if (!media || !reader.at_end() || media->type == "*" || media->subtype == "*")
        return std::nullopt;
    return media;
}

std::vector<MediaRange> parse_accept(std::string_view text)
{
    std::vector<MediaRange> ranges;
    Reader reader(text);
    for (std::size_t member = 0; member < max_members && !reader.at_end(); ++member) {
        auto media = read_media(reader);
        const bool whole = reader.at_end() || reader.at_comma();
        if (media && whole) {
            if (auto range = to_range(std::move(*media)))
                ranges.push_back(std::move(*range));
        }
        reader.skip_member();
        reader.take(',');
    }
    return ranges;
}

bool satisfies(const MediaType& offer, const MediaType& range)
{
    if (range.type != "*" && range.type != offer.type)
        return false;
    if (range.subtype != "*" && range.subtype != offer.subtype)
        return false;
    const std::string_view type = range.parameter("type");
    if (!type.empty() && !equal_ignoring_case(type, offer.parameter("type")))
        return false;
    const std::string_view asked = range.parameter("transfer-syntax");
    const std::string_view offered = offer.parameter("transfer-syntax");
    return asked.empty() || offered.empty() || asked == "*" || asked == offered;
}

std::optional<std::size_t>
choose(std::span<const MediaType> offers, std::span<const MediaRange> accept)
{
    std::optional<std::size_t> best;
    unsigned best_quality = 0;
    for (std::size_t i = 0; i < offers.size(); ++i) {
        const MediaRange* deciding = nullptr;
        for (const MediaRange& range : accept) {
            if (satisfies(offers[i], range.media) &&
                (deciding == nullptr || specificity(range.media) > specificity(deciding->media)))
                deciding = &range;
        }
        const unsigned quality =
            accept.empty() ? 1000 : (deciding != nullptr ? deciding->quality : 0);
        if (quality > best_quality) {
            best = i;
            best_quality = quality;
        }
    }
    return best;
}

} // namespace gantry::mapping
