#include "gateway/origins/retry_after.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string>
#include <string_view>

namespace gantry {

namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

// RFC 9110 5.6.7: the three forms of a date. The process stays in the C locale.
std::optional<sys_seconds> parse_date(std::string_view text)
{
    const std::string value(text);
    for (const char* form :
         {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
        std::tm time{};
        const char* end = ::strptime(value.c_str(), form, &time);
        if (end != nullptr && *end == '\0')
            return sys_seconds(seconds(::timegm(&time)));
    }
    return std::nullopt;
}

std::optional<seconds> parse_number(std::string_view text)
{
    std::uint32_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return seconds(value);
}

} // namespace

std::optional<seconds> retry_after(const web::Fields& fields, WallTime now)
{
    const std::string_view text = fields.find("Retry-After");
    if (text.empty())
        return std::nullopt;
    if (const auto number = parse_number(text))
        return number;
    const auto when = parse_date(text);
    if (!when)
        return std::nullopt;
    const sys_seconds from =
        parse_date(fields.find("Date")).value_or(std::chrono::time_point_cast<seconds>(now));
    return std::max(*when - from, seconds(0));
}

} // namespace gantry
