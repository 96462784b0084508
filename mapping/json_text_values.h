// The values of "Value" (PS3.18 F.2.3 to F.2.5) as a value field holds them (PS3.5 6.2, 6.4).
// Internal to mapping/. Pure.
#pragma once

#include "mapping/json_events.h"
#include "mapping/value_representation.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace gantry::mapping {

/// `value` is the index of an array, or of one value by itself. UTF-8, several values with "\"
/// between them; without padding. Numbers of IS and DS keep their text as far as the VR has room.
/// Errc::malformed without detail.
Result<std::string> text_values(const JsonEvents& json, std::size_t value, Vr vr);

/// UTF-8 without padding; what is no UTF-8 becomes U+FFFD. Errc::malformed where there is a NUL.
Result<std::string> clean_text(std::string_view text);

/// Little endian. Numbers may stand as text. Errc::malformed where one is out of range, or null
/// among others.
Result<std::string> binary_values(const JsonEvents& json, std::size_t value, Vr vr);

} // namespace gantry::mapping
