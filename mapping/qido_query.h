// The query part of a QIDO-RS URL (PS3.18 8.3.4, 10.6.1.2). Pure; any thread.
#pragma once

#include "mapping/error.h"
#include "mapping/value_representation.h"
#include "mapping/vocabulary/query_level.h"
#include "mapping/vocabulary/tag.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::mapping {

using TagPath = std::vector<Tag>; // sequences, then what is asked for; never empty

/// An attribute to match.
struct QidoKey {
    TagPath path;
    Vr vr = vr::un;                  // of the last of the path, by the data dictionary
    std::vector<std::string> values; // decoded, UTF-8; several for a list of UIDs; none: universal
    std::string raw;                 // the value as it stood in the query
};

struct QidoQuery {
    QueryLevel level = QueryLevel::study;
    std::vector<QidoKey> keys;
    std::vector<TagPath> include_fields;
    bool include_all = false;
    std::optional<std::uint32_t> limit;
    std::uint32_t offset = 0;
    bool fuzzy_matching = false;
    bool empty_value_matching = false;
    bool multiple_value_matching = false;
    std::vector<std::string> unknown_parameters; // names that no rule knows: ignored (PS3.18 8.3.3)
};

/// `query`: what follows the "?", still percent-encoded; may be empty. Errc::malformed (HTTP 400),
/// with a detail that a client may see: a known parameter with a bad value, an attribute twice, a
/// path through what is no sequence, bad percent-encoding or UTF-8, more than 256 parameters.
Result<QidoQuery> parse_qido_query(QueryLevel level, std::string_view query);

} // namespace gantry::mapping
