// What we propose where we open an association (PS3.8 9.3.2, PS3.7 annex D). Pure; any thread.
#pragma once

#include "dimse/associate.h"
#include "dimse/options.h"
#include "dimse/service_provider.h"

#include <vector>

namespace gantry::dimse {

/// PS3.8 9.3.2.2: odd ids up to 255.
inline constexpr std::size_t max_contexts = 128;

struct AssociationPlan {
    std::vector<ProposedContext> contexts; // get ids in their order: 1, 3, 5, ...; at most 128
    std::vector<ExtendedNegotiation> extended = {};
};

/// One context of the class, in the syntaxes without compression, and what is wanted of a
/// query/retrieve class; nothing wanted: no item.
AssociationPlan query_plan(const Uid& sop_class, QueryOptions wanted);

AssociationPlan verification_plan();

AssociateRequest associate_request(
    const PeerAddress& peer, const RequestorOptions& options, const AssociationPlan& plan
);

} // namespace gantry::dimse
