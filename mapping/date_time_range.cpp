#include "mapping/date_time_range.h"

#include <algorithm>

namespace gantry::mapping {

namespace {

constexpr std::size_t date_digits = 8;
constexpr std::size_t moment_digits = 20; // YYYYMMDDHHMMSSffffff

bool is_digits(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string digits_of(std::string_view text)
{
    std::string out;
    for (const char c : text)
        if (c >= '0' && c <= '9')
            out.push_back(c);
    return out;
}

/// The two sides of "a-b"; nothing where there is no dash.
std::optional<std::pair<std::string, std::string>> sides(std::string_view pattern)
{
    const auto dash = pattern.find('-');
    if (dash == std::string_view::npos)
        return std::nullopt;
    return std::pair(trimmed(pattern.substr(0, dash)), trimmed(pattern.substr(dash + 1)));
}

std::string moment(std::string_view date, std::string_view time, char fill)
{
    std::string out = digits_of(date) + digits_of(time);
    out.resize(moment_digits, fill);
    return out;
}

} // namespace

std::string trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos)
        return {};
    return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

std::pair<std::string, std::string> whole_dates(std::string_view pattern)
{
    const auto range = sides(pattern).value_or(std::pair(trimmed(pattern), trimmed(pattern)));
    for (const std::string& side : {range.first, range.second})
        if (!side.empty() && (side.size() != date_digits || !is_digits(side)))
            return {};
    return range;
}

std::optional<std::pair<std::string, std::string>>
combined_range(std::string_view dates, std::string_view times)
{
    const auto date = sides(dates);
    const auto time = sides(times);
    if (!date || !time || date->first.empty() != time->first.empty() ||
        date->second.empty() != time->second.empty())
        return std::nullopt;
    std::pair<std::string, std::string> out;
    if (!date->first.empty())
        out.first = moment(date->first, time->first, '0');
    if (!date->second.empty())
        out.second = moment(date->second, time->second, '9');
    return out;
}

bool within(
    std::string_view date, std::string_view time, std::string_view first, std::string_view last
)
{
    if (digits_of(date).size() != date_digits)
        return false;
    const std::string at = moment(date, time, '0');
    return (first.empty() || at >= first) && (last.empty() || at <= last);
}

} // namespace gantry::mapping
