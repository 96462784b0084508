// Which attributes are asked for in queries, and at which level: what PS3.4 C.6 and PS3.18 10.6.1.2
// name, and what viewers ask for beside it. Pure; any thread.
#pragma once

#include "mapping/vocabulary/query_level.h"
#include "mapping/vocabulary/tag.h"

#include <optional>
#include <span>

namespace gantry::mapping {

struct QueryAttribute {
    Tag tag;
    QueryLevel level; // the patient's are the study's
};

/// Those that an instance holds, in ascending order of tags.
std::span<const QueryAttribute> query_attributes();

/// Of the table above; nothing where it does not have the tag.
std::optional<QueryLevel> stored_level(Tag tag);

/// Whose attribute it is, the patient's by themselves, and those that are counted or put together
/// (ModalitiesInStudy, NumberOf...) among them. Nothing: unknown.
std::optional<QueryLevel> query_level(Tag tag);

} // namespace gantry::mapping
