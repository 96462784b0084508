#include "mapping/qido_query.h"

#include "mapping/utf8.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdicent.h>
#include <dcmtk/dcmdata/dcdict.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

namespace gantry::mapping {

namespace {

constexpr std::size_t max_parameters = 256;
constexpr std::size_t max_path = 16;
constexpr Vr da = make_vr('D', 'A');
constexpr Vr dt = make_vr('D', 'T');
constexpr Vr tm = make_vr('T', 'M');

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// RFC 3986 2.1; "+" is a plus. Nothing where it is no UTF-8 text.
std::optional<std::string> decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            return std::nullopt;
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    if (!is_utf8(out) || out.find('\0') != std::string::npos)
        return std::nullopt;
    return out;
}

std::string lower(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return out;
}

std::optional<Tag> tag_of_keyword(const std::string& keyword)
{
    const DcmDataDictionary& dictionary = dcmDataDict.rdlock();
    const DcmDictEntry* entry = dictionary.findEntry(keyword.c_str());
    std::optional<Tag> tag;
    if (entry != nullptr && entry->getPrivateCreator() == nullptr)
        tag = Tag{entry->getGroup(), entry->getElement()};
    dcmDataDict.rdunlock();
    return tag;
}

/// "00100020" or "PatientID".
std::optional<Tag> parse_attribute(std::string_view name)
{
    if (name.empty() || name.size() > 64)
        return std::nullopt;
    std::uint32_t number = 0;
    const auto [stop, failed] = std::from_chars(name.data(), name.data() + name.size(), number, 16);
    if (name.size() == 8 && failed == std::errc() && stop == name.data() + name.size())
        return Tag{static_cast<std::uint16_t>(number >> 16U), static_cast<std::uint16_t>(number)};
    return tag_of_keyword(std::string(name));
}

std::optional<TagPath> parse_path(std::string_view name)
{
    TagPath path;
    while (path.size() < max_path) {
        const std::size_t dot = name.find('.');
        const auto tag = parse_attribute(name.substr(0, dot));
        if (!tag)
            return std::nullopt;
        path.push_back(*tag);
        if (dot == std::string_view::npos)
            return path;
        name.remove_prefix(dot + 1);
    }
    return std::nullopt;
}

Vr vr_of(Tag tag)
{
    const Vr vr = dictionary_vr(tag);
    return vr == vr::us_or_ss ? vr::us : vr;
}

/// What lies on the way must be sequences, as far as anybody knows.
bool leads_through_sequences(const TagPath& path)
{
    return std::ranges::all_of(path.begin(), path.end() - 1, [](Tag tag) {
        const Vr vr = dictionary_vr(tag);
        return vr == vr::sq || vr == vr::un;
    });
}

std::vector<std::string_view> split(std::string_view text, char by)
{
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t at = text.find(by);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos)
            return parts;
        text.remove_prefix(at + 1);
    }
}

bool all_of(std::string_view text, std::string_view allowed)
{
    return text.find_first_not_of(allowed) == std::string_view::npos;
}

/// A date: 8 digits, or 4 to 8 as a bound of a range (PS3.4 C.2.2.2.5.1).
bool is_date_key(std::string_view text)
{
    const auto bounds = split(text, '-');
    const auto holds = [](std::string_view bound) {
        return bound.empty() || (bound.size() >= 4 && bound.size() <= 8);
    };
    return bounds.size() <= 2 && text != "-" && all_of(text, "0123456789-") &&
           std::ranges::all_of(bounds, holds);
}

bool is_time_key(std::string_view text)
{
    return text != "-" && split(text, '-').size() <= 2 && all_of(text, "0123456789.:-");
}

/// Whether a value may stand for its VR (PS3.4 C.2.2.2): no wildcards where they mean nothing.
bool may_match(Vr vr, std::string_view value)
{
    if (value == "*")
        return true; // universal
    if (vr == da)
        return is_date_key(value);
    if (vr == tm)
        return is_time_key(value);
    if (vr == dt)
        return value != "-" && all_of(value, "0123456789.+-");
    constexpr Vr exact[] = {
        vr::ui,
        make_vr('I', 'S'),
        make_vr('D', 'S'),
        make_vr('A', 'S'),
        vr::us,
        vr::ss,
        vr::ul,
        make_vr('S', 'L'),
        make_vr('F', 'L'),
        make_vr('F', 'D'),
    };
    return std::ranges::find(exact, vr) == std::end(exact) ||
           value.find_first_of("*?") == std::string_view::npos;
}

class QueryParser {
public:
    explicit QueryParser(QueryLevel level) { query_.level = level; }

    Result<QidoQuery> parse(std::string_view text)
    {
        const auto pairs = split(text, '&');
        if (pairs.size() > max_parameters)
            return error(Errc::malformed, "too many parameters");
        for (const std::string_view pair : pairs) {
            if (pair.empty())
                continue;
            const std::size_t equals = pair.find('=');
            const auto name = decoded(pair.substr(0, equals));
            if (!name)
                return error(Errc::malformed, "a parameter's name");
            const std::string_view value =
                equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
            if (const auto done = parameter(*name, value); !done)
                return done.error();
        }
        return std::move(query_);
    }

private:
    static Error bad(std::string_view name, const char* why)
    {
        return error(Errc::malformed, std::string(name.substr(0, 64)) + ": " + why);
    }

    Result<void> parameter(const std::string& name, std::string_view raw)
    {
        const std::string reserved = lower(name);
        if (reserved == "includefield")
            return include(raw);
        if (reserved == "limit" || reserved == "offset")
            return count(reserved, raw);
        if (reserved == "fuzzymatching")
            return flag(reserved, raw, query_.fuzzy_matching);
        if (reserved == "emptyvaluematching")
            return flag(reserved, raw, query_.empty_value_matching);
        if (reserved == "multiplevaluematching")
            return flag(reserved, raw, query_.multiple_value_matching);
        if (reserved == "accept" || reserved == "charset") // of every service (PS3.18 8.3.3)
            return {};
        const auto path = parse_path(name);
        if (path)
            return attribute(name, *path, raw);
        query_.unknown_parameters.push_back(name.substr(0, 64));
        return {};
    }

    Result<void> attribute(std::string_view name, const TagPath& path, std::string_view raw)
    {
        QidoKey key{path, vr_of(path.back()), {}, std::string(raw)};
        if (!leads_through_sequences(path))
            return bad(name, "no sequence");
        if (key.vr == vr::sq)
            return bad(name, "a sequence is matched by its attributes");
        if (!paths_.insert(path).second)
            return bad(name, "twice");
        const auto pieces = key.vr == vr::ui ? split(raw, ',') : std::vector{raw};
        for (const std::string_view piece : pieces) {
            const auto value = decoded(piece);
            if (!value)
                return bad(name, "no percent-encoded UTF-8");
            if (!may_match(key.vr, *value))
                return bad(name, "a value that cannot match");
            add(key, *value);
        }
        if (std::ranges::find(key.values, "*") != key.values.end())
            key.values.clear();
        query_.keys.push_back(std::move(key));
        return {};
    }

    /// Some clients separate UIDs as DIMSE does.
    static void add(QidoKey& key, std::string_view value)
    {
        const auto several = key.vr == vr::ui ? split(value, '\\') : std::vector{value};
        for (const std::string_view one : several) {
            if (!one.empty())
                key.values.emplace_back(one);
        }
    }

    Result<void> include(std::string_view raw)
    {
        for (const std::string_view piece : split(raw, ',')) {
            const auto name = decoded(piece);
            if (!name)
                return bad("includefield", "no percent-encoded UTF-8");
            if (name->empty())
                continue;
            if (lower(*name) == "all") {
                query_.include_all = true;
                continue;
            }
            const auto path = parse_path(*name);
            if (!path)
                query_.unknown_parameters.push_back("includefield=" + name->substr(0, 64));
            else if (!leads_through_sequences(*path))
                return bad("includefield", "no sequence");
            else if (std::ranges::find(query_.include_fields, *path) == query_.include_fields.end())
                query_.include_fields.push_back(*path);
        }
        return {};
    }

    Result<void> count(const std::string& name, std::string_view raw)
    {
        std::uint32_t number = 0;
        const auto [stop, failed] = std::from_chars(raw.data(), raw.data() + raw.size(), number);
        if (raw.empty() || failed != std::errc() || stop != raw.data() + raw.size())
            return bad(name, "no count");
        if (!names_.insert(name).second)
            return bad(name, "twice");
        if (name == "limit")
            query_.limit = number;
        else
            query_.offset = number;
        return {};
    }

    Result<void> flag(const std::string& name, std::string_view raw, bool& value)
    {
        const std::string text = lower(raw);
        if (text != "true" && text != "false")
            return bad(name, "neither true nor false");
        if (!names_.insert(name).second)
            return bad(name, "twice");
        value = text == "true";
        return {};
    }

    QidoQuery query_;
    std::set<TagPath> paths_;
    std::set<std::string> names_;
};

} // namespace

Result<QidoQuery> parse_qido_query(QueryLevel level, std::string_view query)
{
    return QueryParser(level).parse(query);
}

} // namespace gantry::mapping
