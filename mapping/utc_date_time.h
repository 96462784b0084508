// Date-times with an offset from UTC (PS3.5 6.2, DT). Pure.
#pragma once

#include <string>
#include <string_view>

namespace gantry::mapping {

/// A single date-time with a negative offset, which looks like a range, in UTC: "...+0000". All
/// else as it is.
std::string in_utc(std::string_view date_time);

} // namespace gantry::mapping
