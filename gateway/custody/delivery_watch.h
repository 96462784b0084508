// Lets somebody who has put instances into custody wait for what becomes of them: a STOW-RS request
// that is to be answered with its archive's own words. Told by the queue, which is the truth; never
// asks the database. Memory holds what is expected, for as long as anybody may wait.
#pragma once

#include "gateway/custody/queue.h"
#include "gateway/loop/asio.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace gantry::custody {

class DeliveryWatch {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// What is expected is forgotten after `keep`, unless somebody waits for it.
    DeliveryWatch(asio::any_io_executor loop, std::chrono::milliseconds keep);
    ~DeliveryWatch();
    DeliveryWatch(const DeliveryWatch&) = delete;
    DeliveryWatch& operator=(const DeliveryWatch&) = delete;

    /// For QueueOptions::changed. Any thread.
    void changed(const std::vector<DeliveryChange>& changes);

    /// Any thread, before the queue has it. `deliveries`: how many destinations it goes to.
    void expect(ReceiptId receipt, std::size_t deliveries);

    /// Loop. Completes when all deliveries of these receipts have ended, or at `until`. One outcome
    /// for each receipt, in order: stored where every destination has it, the first failure where
    /// one has failed, else transient. They are forgotten.
    asio::awaitable<std::vector<StoreOutcome>> settled(std::vector<ReceiptId> receipts, Time until);

    /// How many receipts are remembered.
    std::size_t expected() const;

private:
    struct State;
    std::shared_ptr<State> state_; // what is on its way to the loop may outlive us
};

} // namespace gantry::custody
