// Reading the elements of a data set in memory as the text that matching works on. Pure; one thread
// at a time for one data set.
#pragma once

#include "mapping/value_representation.h"
#include "mapping/vocabulary/tag.h"

#include <string>
#include <string_view>
#include <vector>

class DcmElement;
class DcmItem;

namespace gantry::mapping {

Tag tag_of(DcmElement& element);
Vr vr_of(DcmElement& element);

/// All values with backslashes between them, without padding at the end; numbers in decimal. Empty
/// for a sequence, for what has no value, and for bulk (OB, OW, UN and their like).
std::string text_of(DcmElement& element);

/// Empty where there is no such element.
std::string text_of(DcmItem& item, Tag tag);

/// nullptr where there is no such element.
DcmElement* find_element(DcmItem& item, Tag tag);

/// Whether it is there with a value, or with items.
bool has_content(DcmItem& item, Tag tag);

/// Copies the elements that `into` lacks, or has without content, from `from`.
void fill_from(DcmItem& into, DcmItem& from);

/// LT, ST, UT, UR: one value, in which a backslash is a character (PS3.5 6.2).
bool has_one_value(Vr vr);

/// The values between backslashes, without spaces and NUL around them; empty ones are left out.
std::vector<std::string> split_values(Vr vr, std::string_view text);

/// Replaces the value of an element; "" empties it. Creates it with the dictionary's VR.
void put_text(DcmItem& item, Tag tag, const std::string& text);

} // namespace gantry::mapping
