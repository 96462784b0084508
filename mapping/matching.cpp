#include "mapping/matching.h"

#include "mapping/folded_name.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace gantry::mapping {

namespace {

constexpr Vr da = make_vr('D', 'A');
constexpr Vr ds = make_vr('D', 'S');
constexpr Vr dt = make_vr('D', 'T');
constexpr Vr is = make_vr('I', 'S');
constexpr Vr pn = make_vr('P', 'N');
constexpr Vr tm = make_vr('T', 'M');

// PS3.5 6.2: leading spaces are part of the value
constexpr Vr with_leading_spaces[] = {
    make_vr('L', 'T'),
    make_vr('S', 'T'),
    make_vr('U', 'T'),
    make_vr('U', 'C'),
};

bool is_one_of(Vr vr, std::span<const Vr> several)
{
    return std::ranges::find(several, vr) != several.end();
}

bool is_padding(char c)
{
    return c == ' ' || c == '\0';
}

std::string_view trimmed(Vr vr, std::string_view text)
{
    while (!text.empty() && is_padding(text.back()))
        text.remove_suffix(1);
    while (!text.empty() && is_padding(text.front()) && !is_one_of(vr, with_leading_spaces))
        text.remove_prefix(1);
    return text;
}

/// Bytes of the character that `text` begins with, in UTF-8; one where it is none.
std::size_t character(std::string_view text)
{
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return std::min(size, text.size());
}

/// "*" any run of characters, "?" one. Goes back to the last "*" only: no pattern blows up.
bool matches_wildcard(std::string_view pattern, std::string_view value)
{
    std::optional<std::string_view> after_star;
    std::string_view retry;
    while (!value.empty()) {
        if (pattern.starts_with('*')) {
            pattern.remove_prefix(1);
            after_star = pattern;
            retry = value;
        } else if (pattern.starts_with('?')) {
            pattern.remove_prefix(1);
            value.remove_prefix(character(value));
        } else if (!pattern.empty() && pattern.front() == value.front()) {
            pattern.remove_prefix(1);
            value.remove_prefix(1);
        } else if (after_star) {
            retry.remove_prefix(character(retry));
            value = retry;
            pattern = *after_star;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*') == std::string_view::npos;
}

bool matches_folded(std::string_view key, const std::string& name)
{
    return matches_wildcard(key, name) || matches_wildcard(key, name + "^^^^"); // DOE is DOE^^^^
}

/// The whole name, or one of its component groups where the key does not tell them apart.
bool matches_name(std::string_view pattern, std::string_view value)
{
    if (pattern.find_first_not_of("*^=") == std::string_view::npos)
        return true; // nothing but wildcards and delimiters
    const std::string key = folded_name(pattern);
    if (matches_folded(key, folded_name(value)))
        return true;
    while (key.find('=') == std::string::npos) {
        const std::size_t end = value.find('=');
        if (matches_folded(key, folded_name(value.substr(0, end))))
            return true;
        if (end == std::string_view::npos)
            break;
        value.remove_prefix(end + 1);
    }
    return false;
}

std::optional<double> number(std::string_view text)
{
    if (text.starts_with('+'))
        text.remove_prefix(1);
    double value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

bool matches_number(std::string_view pattern, std::string_view value)
{
    const auto left = number(pattern);
    const auto right = number(value);
    return left && right ? *left == *right : pattern == value;
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/// Digits only: DA may come as 2024.01.31 and TM as 10:20:30 from old devices (PS3.5 6.2 notes);
/// a fraction stays behind its point, an offset from UTC goes.
std::string canonical_time(Vr vr, std::string_view text)
{
    if (vr == dt) {
        const std::size_t offset = text.find_first_of("+-");
        text = text.substr(0, offset);
    }
    std::string out;
    bool fraction = false;
    for (const char c : text) {
        if (is_digit(c))
            out.push_back(c);
        else if (c == '.' && vr != da && !fraction) {
            out.push_back(c);
            fraction = true;
        } else if ((c == ':' && vr == tm) || (c == '.' && vr == da))
            continue;
        else
            return {};
    }
    return out;
}

/// What is left out at the end of a bound: the earliest or the latest moment that it can mean.
std::string completed(Vr vr, std::string text, char with)
{
    const std::size_t whole = vr == da ? 8 : vr == tm ? 6 : 14;
    const std::string_view month_and_day = with == '0' ? "0101" : "1231";
    if (vr != tm && text.size() >= 4 && text.size() < 8)
        text += month_and_day.substr(text.size() - 4);
    if (text.size() < whole)
        text.append(whole - text.size(), with);
    if (vr != da && text.size() == whole)
        text.push_back('.');
    if (vr != da)
        text.append(text.size() < whole + 7 ? whole + 7 - text.size() : 0, with);
    return text;
}

/// Where the hyphen of a range stands. One in a DT may begin an offset: "-" and four digits at the
/// end, of a value, not of two (PS3.4 C.2.2.2.5.3).
std::optional<std::size_t> range_hyphen(Vr vr, std::string_view text)
{
    if (vr != dt)
        return text.find('-') != std::string_view::npos ? std::optional(text.find('-'))
                                                        : std::nullopt;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '-')
            continue;
        const std::string_view after = text.substr(at + 1);
        std::size_t digits = 0;
        while (digits < after.size() && is_digit(after[digits]))
            ++digits;
        const bool offset = at > 0 && digits == 4 && (digits == after.size() || after[4] == '-') &&
                            after.substr(0, 2) <= "14";
        if (!offset)
            return at;
    }
    return std::nullopt;
}

bool matches_time(Vr vr, std::string_view pattern, std::string_view value)
{
    const std::string moment = canonical_time(vr, value);
    if (moment.empty())
        return false;
    const auto hyphen = range_hyphen(vr, pattern);
    const std::string_view first = hyphen ? pattern.substr(0, *hyphen) : pattern;
    const std::string_view last = hyphen ? pattern.substr(*hyphen + 1) : pattern;
    const std::string from = canonical_time(vr, first);
    const std::string to = canonical_time(vr, last);
    if ((from.empty() && to.empty()) || from.empty() != first.empty() || to.empty() != last.empty())
        return false; // no range, or a bound that is no time
    // a value of less precision stands for the moment that it begins with
    const std::string at = completed(vr, moment, '0');
    return (from.empty() || at >= completed(vr, from, '0')) &&
           (to.empty() || at <= completed(vr, to, '9'));
}

} // namespace

bool has_wildcards(Vr vr)
{
    constexpr Vr with[] = {
        make_vr('A', 'E'),
        make_vr('C', 'S'),
        vr::lo,
        make_vr('L', 'T'),
        pn,
        make_vr('S', 'H'),
        make_vr('S', 'T'),
        make_vr('U', 'C'),
        make_vr('U', 'R'),
        make_vr('U', 'T'),
    };
    return is_one_of(vr, with);
}

bool matches(Vr vr, std::string_view pattern, std::string_view value)
{
    pattern = trimmed(vr, pattern);
    value = trimmed(vr, value);
    if (pattern.empty() || pattern == "*")
        return true; // universal (PS3.4 C.2.2.2.3)
    if (vr == pn)
        return matches_name(pattern, value);
    if (has_wildcards(vr))
        return matches_wildcard(pattern, value);
    if (vr == da || vr == tm || vr == dt)
        return matches_time(vr, pattern, value);
    if (vr == is || vr == ds)
        return matches_number(pattern, value);
    return pattern == value;
}

bool matches_any(Vr vr, std::string_view pattern, std::string_view values)
{
    constexpr Vr single[] = {
        make_vr('L', 'T'), make_vr('S', 'T'), make_vr('U', 'T'), make_vr('U', 'R')
    };
    if (is_one_of(vr, single))
        return matches(vr, pattern, values);
    while (true) {
        const std::size_t delimiter = values.find('\\');
        if (matches(vr, pattern, values.substr(0, delimiter)))
            return true;
        if (delimiter == std::string_view::npos)
            return false;
        values.remove_prefix(delimiter + 1);
    }
}

bool matches_uid_list(std::span<const std::string> uids, std::string_view value)
{
    const std::string_view uid = trimmed(vr::ui, value);
    return uids.empty() || std::ranges::any_of(uids, [&](const std::string& one) {
               return trimmed(vr::ui, one) == uid;
           });
}

} // namespace gantry::mapping
