// The values of one element as DICOM JSON has them (PS3.18 F.2.2 to F.2.7): each function appends
// the array of "Value", or text of it. Pure.
#pragma once

#include "mapping/value_representation.h"
#include "mapping/vocabulary/bytes.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gantry::mapping {

/// Whether a VR holds binary numbers, AT included, that are written as such.
bool is_binary_number(Vr vr);

/// The array for values of binary numbers, little endian. Nothing where one of them is not finite,
/// which JSON cannot say: the element goes inline as it is.
std::optional<std::string> json_numbers(Vr vr, ConstBytes values);

/// The same values one by one, as text without quotes.
std::optional<std::vector<std::string>> number_texts(Vr vr, ConstBytes values);

/// The array for values of text, an empty one as null: PN by its groups, IS and DS as numbers where
/// that gives them back letter by letter.
std::string json_texts(Vr vr, std::span<const std::string> values);

/// RFC 4648 4. Pieces that are appended one by one must be multiples of 3 bytes but for the last.
void append_base64(std::string& out, ConstBytes bytes);

} // namespace gantry::mapping
