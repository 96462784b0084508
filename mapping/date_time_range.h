// Date and time ranges of a question (PS3.4 C.2.2.2.5). Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace gantry::mapping {

/// Without the spaces around it.
std::string trimmed(std::string_view text);

/// The bounds of a date pattern that has only whole dates (YYYYMMDD, a-b, a-, -b); both empty where
/// it has anything else.
std::pair<std::string, std::string> whole_dates(std::string_view pattern);

/// A date range and a time range of the same form as one range of moments, "YYYYMMDDHHMMSSffffff"
/// or empty where open. A shortened upper bound means to the end of its unit. Nothing where they
/// are not both ranges of the same form.
std::optional<std::pair<std::string, std::string>>
combined_range(std::string_view dates, std::string_view times);

/// Is that moment in a combined range? One without date is in none.
bool within(
    std::string_view date, std::string_view time, std::string_view first, std::string_view last
);

} // namespace gantry::mapping
