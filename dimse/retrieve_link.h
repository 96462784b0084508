// What lies between a coroutine that retrieves and the thread of the association that asked: both
// see the same counters, the same C-CANCEL and, for C-GET, the same sub-operations.
#pragma once

#include "dimse/connection.h"
#include "dimse/negotiation.h"
#include "dimse/service_provider.h"
#include "dimse/store_handover.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace gantry::dimse {

/// The association of a C-GET as the loop sees it.
class SameAssociation final : public StoreChannel {
public:
    /// `contexts`: those on which the peer is SCP.
    SameAssociation(std::vector<AcceptedContext> contexts, std::shared_ptr<StoreHandover> handover);

    std::vector<Uid> accepted(const Uid& sop_class) const override;
    asio::awaitable<Result<DimseStatus>> store(OutgoingInstance instance) override;
    bool usable() const override;

    /// 0: none.
    std::uint8_t context_of(const InstanceKey& key) const;

private:
    std::vector<AcceptedContext> contexts_;
    std::shared_ptr<StoreHandover> handover_;
};

/// Calls on the loop, unless they say otherwise.
class RetrieveLink final : public RetrieveSession,
                           public std::enable_shared_from_this<RetrieveLink> {
public:
    RetrieveLink(
        asio::any_io_executor loop,
        std::shared_ptr<WakeSignal> wake,
        std::optional<std::vector<AcceptedContext>> contexts // none: C-MOVE
    );

    void pending(SubOperations counts) override;
    void on_cancel(std::function<void()> call) override;
    StoreChannel* channel() override;

    /// Loop: the coroutine has ended, what it left here refers to nothing.
    void forget();

    /// The association's thread, as all below.
    void cancel();
    std::optional<SubOperations> take_pending();

    StoreHandover& handover() noexcept { return *handover_; }

    const SameAssociation& association() const noexcept { return *channel_; }

private:
    void call_cancel();

    asio::any_io_executor loop_;
    std::shared_ptr<WakeSignal> wake_;
    std::shared_ptr<StoreHandover> handover_;
    std::unique_ptr<SameAssociation> channel_;
    std::function<void()> on_cancel_; // loop only
    bool cancelled_ = false;          // loop only
    std::mutex mutex_;
    std::optional<SubOperations> pending_;
};

} // namespace gantry::dimse
