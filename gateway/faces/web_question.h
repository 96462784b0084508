// From a QIDO-RS request to the question that an origin is asked (PS3.18 10.6.1). Pure.
#pragma once

#include "gateway/origin.h"
#include "mapping/qido_query.h"

#include <optional>

namespace gantry::faces {

/// UIDs of the path; the query is of the same resource. Keys: what is matched, what is asked for,
/// and what the resource must always return (PS3.18 10.6.3.3).
FindQuestion qido_question(
    const mapping::QidoQuery& query,
    const std::optional<Uid>& study,
    const std::optional<Uid>& series
);

} // namespace gantry::faces
