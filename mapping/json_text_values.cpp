#include "mapping/json_text_values.h"

#include "mapping/json_element.h"
#include "mapping/utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

namespace gantry::mapping {

namespace {

using Kind = JsonEvent::Kind;

constexpr Vr da = make_vr('D', 'A');
constexpr Vr ds = make_vr('D', 'S');
constexpr Vr is = make_vr('I', 'S');
constexpr Vr pn = make_vr('P', 'N');
constexpr Vr tm = make_vr('T', 'M');
constexpr std::size_t max_decimal = 16; // PS3.5 6.2: DS

Error no_value()
{
    return error(Errc::malformed);
}

/// "2001-02-03", "2001.02.03", "10:20:30" as people write them; a range stays.
std::string plain_date_or_time(Vr vr, std::string text)
{
    const bool date =
        vr == da && text.size() == 10 && text[4] == text[7] && (text[4] == '-' || text[4] == '.');
    if (date || (vr == tm && text.find(':') != std::string::npos))
        std::erase_if(text, [](char c) { return c == ':' || c == '-'; });
    if (date)
        std::erase(text, '.');
    return text;
}

/// A JSON number as IS or DS: as it was written where that is allowed there.
std::string decimal_text(Vr vr, std::string_view text)
{
    std::string out(text);
    double number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || end != text.data() + text.size())
        return out;
    if (vr == is && out.find_first_of(".eE") != std::string::npos && number == std::trunc(number) &&
        std::abs(number) < 1e15)
        return std::to_string(static_cast<std::int64_t>(number));
    char shorter[32];
    for (int digits = 17; vr == ds && out.size() > max_decimal && digits > 0; --digits) {
        const auto made = std::to_chars(
            std::begin(shorter), std::end(shorter), number, std::chars_format::general, digits
        );
        out.assign(shorter, made.ptr);
    }
    return out;
}

/// PS3.18 F.2.2: the groups of a name; a plain text is the whole name.
Result<std::string> name_text(const JsonEvents& json, std::size_t object)
{
    constexpr std::string_view names[] = {"Alphabetic", "Ideographic", "Phonetic"};
    std::string groups[3];
    for (std::size_t i = object + 1; json[i].kind == Kind::key; i = json[i].after) {
        const auto* const name = std::ranges::find(names, json.text(json[i]));
        const JsonEvent& value = json[i + 1];
        if (name == std::end(names) || value.kind == Kind::null)
            continue;
        if (value.kind != Kind::string)
            return no_value();
        auto text = clean_text(json.text(value));
        if (!text || text->find('=') != std::string::npos)
            return no_value();
        groups[name - std::begin(names)] = std::move(*text);
    }
    std::string out = groups[0] + '=' + groups[1] + '=' + groups[2];
    while (out.ends_with('='))
        out.pop_back();
    return out;
}

Result<std::string> one_text(const JsonEvents& json, std::size_t at, Vr vr)
{
    const JsonEvent& value = json[at];
    if (value.kind == Kind::null)
        return std::string();
    if (value.kind == Kind::object && vr == pn)
        return name_text(json, at);
    if (value.kind == Kind::number)
        return decimal_text(vr, json.text(value));
    if (value.kind != Kind::string)
        return no_value();
    auto text = clean_text(json.text(value));
    return text && (vr == da || vr == tm) ? plain_date_or_time(vr, std::move(*text)) : text;
}

/// Calls `take` with the index of each value; false ends it.
template <class F>
bool each_value(const JsonEvents& json, std::size_t value, F take)
{
    if (json[value].kind != Kind::array)
        return take(value);
    for (std::size_t i = value + 1; json[i].kind != Kind::end; i = json[i].after)
        if (!take(i))
            return false;
    return true;
}

template <class T>
std::optional<T> parsed(std::string_view text)
{
    T number{};
    text = text.starts_with('+') ? text.substr(1) : text;
    const char* end = text.data() + text.size();
    if (const auto [stop, failed] = std::from_chars(text.data(), end, number);
        failed == std::errc() && stop == end)
        return number;
    if constexpr (std::is_integral_v<T>) { // 1.0, 1e3
        double real = 0;
        const auto [stop, failed] = std::from_chars(text.data(), end, real);
        constexpr double exact = 9007199254740992.0; // 2^53
        const bool whole = failed == std::errc() && stop == end && real == std::trunc(real);
        const auto low = static_cast<double>(std::numeric_limits<T>::min());
        const auto high = std::min(exact, static_cast<double>(std::numeric_limits<T>::max()));
        if (whole && real >= std::max(-exact, low) && real <= high)
            return static_cast<T>(real);
    }
    return std::nullopt;
}

template <class T>
bool append_number(std::string& out, std::string_view text)
{
    const auto number = parsed<T>(text);
    if (number)
        out.append(reinterpret_cast<const char*>(&*number), sizeof(T)); // bytes of a number
    return number.has_value();
}

bool append_tag(std::string& out, std::string_view text)
{
    const auto tag = parse_json_tag(text);
    if (!tag)
        return false;
    for (const std::uint16_t half : {tag->group, tag->element})
        out.append(reinterpret_cast<const char*>(&half), sizeof half); // bytes of a number
    return true;
}

bool append_binary(std::string& out, Vr vr, std::string_view text)
{
    switch (vr) {
    case make_vr('A', 'T'): return append_tag(out, text);
    case vr::us: return append_number<std::uint16_t>(out, text);
    case vr::ss: return append_number<std::int16_t>(out, text);
    case vr::ul: return append_number<std::uint32_t>(out, text);
    case make_vr('S', 'L'): return append_number<std::int32_t>(out, text);
    case make_vr('F', 'L'): return append_number<float>(out, text);
    case make_vr('F', 'D'): return append_number<double>(out, text);
    case make_vr('S', 'V'): return append_number<std::int64_t>(out, text);
    case make_vr('U', 'V'): return append_number<std::uint64_t>(out, text);
    default: return false;
    }
}

} // namespace

Result<std::string> clean_text(std::string_view text)
{
    while (text.ends_with(' ') || text.ends_with('\0'))
        text.remove_suffix(1);
    if (text.find('\0') != std::string_view::npos)
        return no_value();
    if (is_utf8(text))
        return std::string(text);
    std::string out;
    while (!text.empty()) {
        const std::size_t size = utf8_character(text);
        out += size == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, size); // U+FFFD
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

Result<std::string> text_values(const JsonEvents& json, std::size_t value, Vr vr)
{
    std::string out;
    bool first = true;
    const bool all = each_value(json, value, [&](std::size_t at) {
        const auto text = one_text(json, at, vr);
        if (!text)
            return false;
        out += first ? "" : "\\";
        out += *text;
        first = false;
        return true;
    });
    if (!all)
        return no_value();
    return out;
}

Result<std::string> binary_values(const JsonEvents& json, std::size_t value, Vr vr)
{
    std::string out;
    std::size_t count = 0;
    bool missing = false;
    const bool all = each_value(json, value, [&](std::size_t at) {
        const JsonEvent& one = json[at];
        ++count;
        const bool empty = one.kind == Kind::null || (one.kind == Kind::string && one.size == 0);
        missing = missing || empty;
        const bool text = one.kind == Kind::string || one.kind == Kind::number;
        return empty || (text && append_binary(out, vr, json.text(one)));
    });
    if (!all || (missing && count > 1))
        return no_value();
    return out;
}

} // namespace gantry::mapping
