// Delivers what is queued for one destination: claims a bounded window, hands batches to the
// origin, several at once, and records what became of each instance. One bad destination never
// delays another. Runs on the loop.
#pragma once

#include "gateway/custody/queue.h"
#include "gateway/loop/asio.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace gantry::custody {

struct DeliveryOptions {
    std::uint16_t concurrent = 4;   // batches at once
    std::size_t max_instances = 32; // of a batch
    Bytes max_bytes{64ULL << 20U};  // of a batch; a larger instance goes alone
    std::chrono::milliseconds min_backoff{std::chrono::seconds{5}};
    std::chrono::milliseconds max_backoff{std::chrono::minutes{10}};
    std::uint32_t limited_attempts = 3; // for outcomes that are tried a few times only
    std::chrono::seconds lease{600};
};

/// Now, for status, metrics and the page.
struct DeliveryStatus {
    bool suspended = false; // the origin does not answer; it is probed until it does
    WallTime suspended_since{};
    WallTime next_probe{};
    std::string reason;
    std::size_t window = 0; // batches allowed at once now
    std::size_t in_flight = 0;
};

/// Counts for metrics: called once for each recorded outcome.
using OutcomeObserver = std::function<void(const StoreOutcome&, const Delivery&)>;

class DeliveryRunner {
public:
    /// `disk` runs the spool's reads. All references outlive the runner.
    DeliveryRunner(
        Origin& origin,
        DeliveryQueue& queue,
        Spool& spool,
        WorkerPool& disk,
        const Clock& clock,
        DeliveryOptions options
    );
    ~DeliveryRunner();
    DeliveryRunner(const DeliveryRunner&) = delete;
    DeliveryRunner& operator=(const DeliveryRunner&) = delete;

    void on_outcome(OutcomeObserver observer);
    /// Until cancelled; then what is in flight is given back to the queue, uncounted where the
    /// origin never saw it.
    asio::awaitable<void> run();
    /// No new batches; completes when those in flight are recorded.
    asio::awaitable<void> drain();
    DeliveryStatus status() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::custody
