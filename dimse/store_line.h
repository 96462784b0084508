// One association for the C-STOREs of a move (PS3.4 C.4.2.2.2): a thread of the outbound pool stays
// with it, the loop hands it one instance after the other. run() on that thread, the rest on the
// loop.
#pragma once

#include "dimse/options.h"
#include "dimse/requestor.h"
#include "dimse/store_handover.h"
#include "gateway/loop/change.h"

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

namespace gantry::dimse {

class RequestorAssociation;

/// What loop and thread share.
class StoreLine : public std::enable_shared_from_this<StoreLine> {
public:
    explicit StoreLine(asio::any_io_executor loop);

    /// Opens, serves until released, stopped or lost.
    void
    run(RequestorState& requestor, std::vector<ProposedContext> proposals, std::stop_token pool_stop
    );

    /// Completes when the association is open, or is not.
    asio::awaitable<Result<std::vector<Negotiation::Context>>> opened();

    /// A-RELEASE after what is under way. Completes when the association is gone.
    asio::awaitable<void> release();

    /// A-ABORT, whatever is under way. Any thread.
    void abort() { stop_.request_stop(); }

    StoreHandover& handover() noexcept { return *handover_; }

private:
    void serve(RequestorAssociation& association);
    Error wait(RequestorAssociation& association);
    bool release_wanted() const;
    void open(Result<std::vector<Negotiation::Context>> result);
    void end();
    void notify();

    Change changed_; // loop only
    std::shared_ptr<WakeSignal> wake_;
    std::stop_source stop_;
    std::shared_ptr<StoreHandover> handover_;
    mutable std::mutex mutex_;
    std::optional<Result<std::vector<Negotiation::Context>>> opened_;
    bool release_ = false;
    bool ended_ = false;
};

} // namespace gantry::dimse
