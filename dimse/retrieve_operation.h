// One C-MOVE or C-GET under way (PS3.4 C.4.2, C.4.3; PS3.7 9.3.3, 9.3.4): Pending responses, and
// for C-GET the C-STORE sub-operations on the same association. Runs on its thread.
#pragma once

#include "dimse/loop_task.h"
#include "dimse/negotiation.h"
#include "dimse/operation.h"
#include "dimse/retrieve_link.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace gantry::dimse {

class RetrieveOperation final : public Operation {
public:
    RetrieveOperation(AssociationSide& side, RequestHead request, const AcceptedContexts& contexts);

    /// Returns when the request is answered, or the association cannot go on, and the coroutine has
    /// ended.
    Interruption run(RetrieveRequest request);

private:
    using Clock = std::chrono::steady_clock;

    void on_cancel() override;
    Interruption other(const CommandMessage& message) override;
    Interruption pump();
    Interruption send_what_is_due();
    bool pending_due();
    Interruption add_pending();
    Interruption send_store(const OutgoingInstance& instance);
    std::chrono::milliseconds time_left() const;
    Interruption answer();
    RetrieveOutcome take_outcome();

    std::shared_ptr<RetrieveLink> link_;
    LoopTask<RetrieveOutcome> task_;
    std::optional<SubOperations> counts_; // what the last Pending said
    Clock::time_point next_pending_;
    std::uint16_t message_id_ = 0;                          // of our own C-STORE-RQ
    bool awaiting_ = false;                                 // its response
    Clock::time_point deadline_ = Clock::time_point::max(); // for that
};

} // namespace gantry::dimse
