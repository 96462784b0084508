// From a QIDO-RS request to the question that an origin is asked (PS3.18 10.6.1). Pure.
#pragma once

#include "gateway/origin.h"
#include "mapping/qido_query.h"

#include <optional>
#include <vector>

namespace gantry::faces {

/// What a resource returns beside what the client asked for (PS3.18 tables 10.6.3-3 to 5).
struct ReturnedFields {
    std::vector<Tag> always;     // may be empty
    std::vector<Tag> when_known; // left out where it is not
};

struct SearchQuestion {
    /// Keys: what is matched, what is asked for, and what the resource returns of itself.
    FindQuestion question;
    ReturnedFields returned;
};

/// UIDs of the path; the query is of the same resource. Errc::malformed (HTTP 400), with a detail
/// for the client: an attribute to match whose form nobody knows.
Result<SearchQuestion> qido_question(
    const mapping::QidoQuery& query,
    const std::optional<Uid>& study,
    const std::optional<Uid>& series
);

} // namespace gantry::faces
