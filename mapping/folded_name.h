// People's names as matching sees them (PS3.4 C.2.2.2.1): neither case nor accents count. Pure.
#pragma once

#include <string>
#include <string_view>

namespace gantry::mapping {

/// UTF-8 to UTF-8, for comparing only: Latin letters without their accents, Latin, Greek and
/// Cyrillic ones in lower case, no delimiters (^ and =) at the end.
std::string folded_name(std::string_view name);

} // namespace gantry::mapping
