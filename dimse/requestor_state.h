// What copies of a requestor share, and how a conversation gets its association.
#pragma once

#include "dimse/association_plan.h"
#include "dimse/association_shelf.h"
#include "dimse/association_turns.h"
#include "dimse/requestor.h"

#include <functional>
#include <memory>

namespace gantry::dimse {

class RequestorAssociation;

struct RequestorState {
    RequestorState(PeerAddress to, RequestorOptions with, WorkerPool& outbound);

    using Talk = std::function<void(RequestorAssociation&)>;

    /// On a worker thread, in a turn: `talk` on an association of this plan, kept or new; twice
    /// where a kept one vanished. Then it is kept, or released. Errors: of opening it.
    Result<void> converse(const AssociationPlan& plan, const StopSignal& stop, const Talk& talk);

    /// The same on a new one that is released.
    Result<void>
    converse_anew(const AssociationPlan& plan, const StopSignal& stop, const Talk& talk);

    /// In a place that has been claimed. What is kept is released, and it is asked once more, where
    /// the peer refuses it: it may allow us no more.
    Result<std::unique_ptr<RequestorAssociation>>
    open(AssociateRequest request, AssociationShelf::Claim& claim, const StopSignal& stop);

    PeerAddress peer;
    RequestorOptions options;
    WorkerPool* pool;
    std::shared_ptr<AssociationTurns> turns;
    AssociationShelf shelf;
};

} // namespace gantry::dimse
