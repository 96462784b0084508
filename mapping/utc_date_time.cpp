#include "mapping/utc_date_time.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace gantry::mapping {

namespace {

constexpr std::size_t to_the_hour = 10; // YYYYMMDDHH: less cannot be moved by hours
constexpr int farthest = 12 * 60;       // west of Greenwich, minutes

int number(std::string_view digits)
{
    int value = 0;
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

bool are_digits(std::string_view text)
{
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

} // namespace

std::string in_utc(std::string_view text)
{
    using namespace std::chrono;
    const std::size_t dash = text.find('-');
    const std::string_view local = text.substr(0, dash);
    const std::size_t digits = std::min(local.find('.'), local.size());
    const std::string_view whole = local.substr(0, digits);
    if (dash == std::string_view::npos || text.size() != dash + 5 || whole.size() % 2 != 0 ||
        whole.size() < to_the_hour || whole.size() > 14 || !are_digits(whole))
        return std::string(text);
    const std::string_view offset = text.substr(dash + 1);
    const int west = 60 * number(offset.substr(0, 2)) + number(offset.substr(2));
    if (!are_digits(offset) || west > farthest)
        return std::string(text); // the second bound of a range: a year
    const auto part = [&](std::size_t at) {
        return at < whole.size() ? number(whole.substr(at, 2)) : 0;
    };
    const year_month_day day{
        year(number(whole.substr(0, 4))),
        month(static_cast<unsigned>(part(4))),
        std::chrono::day(static_cast<unsigned>(part(6)))
    };
    if (!day.ok())
        return std::string(text);
    const auto moment = sys_days(day) + hours(part(8)) + minutes(part(10) + west);
    const year_month_day moved(floor<days>(moment));
    const auto time = duration_cast<minutes>(moment - floor<days>(moment)).count();
    std::array<char, 32> head{};
    std::snprintf(
        head.data(),
        head.size(),
        "%04d%02u%02u%02d%02d",
        static_cast<int>(moved.year()),
        static_cast<unsigned>(moved.month()),
        static_cast<unsigned>(moved.day()),
        static_cast<int>(time / 60),
        static_cast<int>(time % 60)
    );
    // minutes that nobody gave stay away unless the offset brings some
    const bool to_hours = whole.size() == to_the_hour && time % 60 == 0;
    std::string out(head.data(), to_hours ? to_the_hour : 12);
    if (local.size() > 12)
        out += local.substr(12);
    return out + "+0000";
}

} // namespace gantry::mapping
