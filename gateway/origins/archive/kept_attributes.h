// Which attributes the index keeps, and at which level: what PS3.18 10.6.1.2 lets be asked for, and
// what viewers ask for beside it. Pure; any thread.
#pragma once

#include "mapping/vocabulary/query_level.h"
#include "mapping/vocabulary/tag.h"

#include <optional>
#include <span>

namespace gantry::archive {

struct KeptAttribute {
    Tag tag;
    QueryLevel level; // the patient's are the study's
};

/// In ascending order of tags.
std::span<const KeptAttribute> kept_attributes();

/// Nothing: the index does not keep it.
std::optional<QueryLevel> level_of(Tag tag);

} // namespace gantry::archive
