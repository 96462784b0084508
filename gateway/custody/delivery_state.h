// The inside of DeliveryRunner, split by step: claiming (delivery.cpp), sending
// (delivery_send.cpp), recording (delivery_record.cpp), suspending (delivery_suspend.cpp). Nobody
// else includes it. All of it runs on the loop.
#pragma once

#include "gateway/custody/delivery.h"
#include "gateway/custody/delivery_pace.h"
#include "gateway/custody/delivery_verdict.h"
#include "gateway/custody/spool_content.h"
#include "gateway/loop/change.h"
#include "gateway/loop/task_group.h"

#include <optional>
#include <random>
#include <unordered_set>
#include <vector>

namespace gantry::custody {

/// An outcome on its way into the queue.
struct Settled {
    Delivery delivery;
    StoreOutcome outcome;
    DeliveryRecord record;
    bool given_back = false; // not an outcome: interrupted
};

struct DeliveryRunner::State {
    /// What exists only while run() does.
    struct Running {
        explicit Running(const asio::any_io_executor& loop, const std::string& name)
            : changed(loop),
              settled(loop),
              tasks(loop, "delivery " + name),
              reading(loop, "reading for " + name)
        {
        }

        Change changed; // room in the window, drain, a drained batch
        Change settled; // an outcome waits to be recorded
        TaskGroup tasks;
        TaskGroup reading; // outlives what the tasks hold
    };

    State(Origin& to, DeliveryQueue& from, Spool& slots, WorkerPool& pool, const Clock& time);

    Origin& origin;
    DeliveryQueue& queue;
    Spool& spool;
    WorkerPool& disk;
    const Clock& clock;
    DeliveryOptions options;
    OutcomeObserver observer;

    DeliveryWindow window{1};
    DeliveryStatus status;
    std::unique_ptr<Running> running; // null: run() does not run
    bool claiming = false;
    bool draining = false;
    std::uint32_t failed_probes = 0; // in a row; a delivery sets it back, a good probe does not
    std::optional<std::chrono::seconds> retry_after;
    std::unordered_set<std::int64_t> in_hand; // claimed, not yet given to record()
    std::vector<Settled> unrecorded;
    std::vector<Settled> recording; // given to record(), which has not answered
    LimitedAttempts limited;
    std::minstd_rand chance_source{std::random_device{}()};

    Backoff backoff() const { return {options.min_backoff, options.max_backoff}; }

    double chance() { return std::uniform_real_distribution<double>(-1.0, 1.0)(chance_source); }

    // delivery.cpp
    asio::awaitable<void> run();
    asio::awaitable<void> claim_loop();
    asio::awaitable<void> claim_batch(unsigned& empty_claims);
    asio::awaitable<void> renew_leases();
    asio::awaitable<void> pause(std::chrono::milliseconds time);
    bool may_claim() const;
    bool idle() const;

    // delivery_send.cpp
    asio::awaitable<void> send(std::vector<Delivery> batch);
    asio::awaitable<std::vector<StoreOutcome>>
    ask_origin(std::vector<std::unique_ptr<InstanceContent>> contents);
    void settle(
        std::vector<Delivery> batch,
        std::vector<StoreOutcome> outcomes,
        std::chrono::nanoseconds took
    );
    void pace(const std::vector<StoreOutcome>& outcomes);
    void give_back(std::vector<Delivery> batch, const std::vector<std::shared_ptr<bool>>& begun);

    // delivery_record.cpp
    asio::awaitable<void> record_loop();
    asio::awaitable<void> record_once();

    // delivery_suspend.cpp
    void suspend(const StoreOutcome& outcome);
    asio::awaitable<void> probe();
    asio::awaitable<Health> ask_health();
};

/// The line of each delivery; warn and error where someone should look.
void log_delivery(const Settled& settled, std::chrono::nanoseconds took);

} // namespace gantry::custody
