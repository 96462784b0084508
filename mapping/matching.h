// Attribute matching (PS3.4 C.2.2.2): does a stored value satisfy a key? Pure; any thread. Text is
// UTF-8 on both sides.
#pragma once

#include "mapping/value_representation.h"

#include <span>
#include <string>
#include <string_view>

namespace gantry::mapping {

/// Whether "*" and "?" stand for others in a key of this VR (PS3.4 C.2.2.2.4): AE CS LO LT PN SH ST
/// UC UR UT.
bool has_wildcards(Vr vr);

/// One key value against one stored value, by the VR: single value, universal (empty, or "*"
/// alone), wildcard (see above), range (DA, TM, DT). Padding counts on neither
/// side; PN and numbers compare as people read them (neither case nor accents count, and any of the
/// component groups may match; 007 is 7).
bool matches(Vr vr, std::string_view pattern, std::string_view value);

/// As above, of several stored values ("\" between them, PS3.5 6.4): any of them.
bool matches_any(Vr vr, std::string_view pattern, std::string_view values);

/// List of UIDs (PS3.4 C.2.2.2.2): the value is one of `uids`. An empty list is universal.
bool matches_uid_list(std::span<const std::string> uids, std::string_view value);

} // namespace gantry::mapping
