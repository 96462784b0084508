// One origin as configured, with what reaches it and, where something is stored to it, what
// delivers to it.
#pragma once

#include "config/config.h"
#include "dimse/requestor.h"
#include "gateway/custody/delivery.h"
#include "gateway/origin.h"
#include "gateway/origins/local_origin.h"
#include "gateway/origins/memory_budget.h"
#include "gateway/origins/move_arrivals.h"
#include "web/client.h"

#include <memory>
#include <string>

namespace gantry {

/// What every origin stands on; outlives them all.
struct Ground {
    asio::any_io_executor loop;
    const Config& config;
    const Clock& clock;
    WorkerPool& disk;
    WorkerPool& outbound;    // conversations that we open
    WorkerPool& transcoders; // a thread for each core
    MoveArrivals& arrivals;
    std::shared_ptr<MemoryBudget> retrieve_memory; // null: each its own

    std::filesystem::path scratch() const { return config.state_dir / "scratch"; } // exists
};

class Destination {
public:
    /// Blocking: a local origin opens its files. Fails with a text for an operator.
    static Result<std::unique_ptr<Destination>>
    open(const config::Origin& configured, const Ground& ground);

    Origin& origin() noexcept { return *origin_; }

    /// nullptr where this is not the local one.
    LocalOrigin* local() noexcept { return local_; }

    const std::string& name() const noexcept { return name_; }

    const std::string& reached_by() const noexcept { return reached_by_; }

    /// Deliveries from the queue to this origin.
    custody::DeliveryRunner&
    deliver(custody::DeliveryQueue& queue, custody::Spool& spool, const Ground& ground);

    /// Keeps its connections tidy until it is cancelled.
    asio::awaitable<void> tend();

    /// nullptr where nothing is delivered to it.
    custody::DeliveryRunner* runner() noexcept { return runner_.get(); }

private:
    Result<void> open_local(const config::Origin& configured, const Ground& ground);
    Result<void> open_web(const config::Origin& configured, const Ground& ground);
    void open_dimse(const config::Origin& configured, const Ground& ground);

    std::string name_;
    std::string reached_by_;
    custody::DeliveryOptions delivery_;
    std::unique_ptr<web::Client> client_;
    std::unique_ptr<dimse::Requestor> requestor_;
    std::unique_ptr<Origin> origin_;
    LocalOrigin* local_ = nullptr; // origin_, where it is that
    std::unique_ptr<custody::DeliveryRunner> runner_;
};

} // namespace gantry
