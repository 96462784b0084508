// Claims what is queued for one destination while there is room in its window, and keeps the leases
// of what is under way. Runs on the loop; never sends or records by itself.
#include "gateway/custody/delivery.h"

#include "gateway/custody/delivery_state.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace gantry::custody {

namespace {

using namespace std::chrono_literals;

constexpr auto queue_retry = 1s;   // after the queue could not be asked
constexpr auto empty_retry = 20ms; // where the queue says ready and then has nothing

} // namespace

DeliveryRunner::State::State(
    Origin& to, DeliveryQueue& from, Spool& slots, WorkerPool& pool, const Clock& time
)
    : origin(to), queue(from), spool(slots), disk(pool), clock(time)
{
}

// NOLINTNEXTLINE(readability-function-size): the rooms that it stands between
DeliveryRunner::DeliveryRunner(
    Origin& origin,
    DeliveryQueue& queue,
    Spool& spool,
    WorkerPool& disk,
    const Clock& clock,
    DeliveryOptions options
)
    : state_(std::make_unique<State>(origin, queue, spool, disk, clock))
{
    state_->options = options;
    state_->window = DeliveryWindow(options.concurrent);
}

DeliveryRunner::~DeliveryRunner() = default;

void DeliveryRunner::on_outcome(OutcomeObserver observer)
{
    state_->observer = std::move(observer);
}

asio::awaitable<void> DeliveryRunner::run()
{
    return state_->run();
}

asio::awaitable<void> DeliveryRunner::drain()
{
    state_->draining = true;
    if (state_->running)
        state_->running->changed.notify();
    while (state_->running && !state_->idle())
        co_await state_->running->changed.wait();
}

DeliveryStatus DeliveryRunner::status() const
{
    DeliveryStatus status = state_->status;
    status.window = state_->window.allowed();
    return status;
}

asio::awaitable<void> DeliveryRunner::State::run()
{
    const auto loop = co_await asio::this_coro::executor;
    running = std::make_unique<Running>(loop, origin.name());
    running->tasks.spawn(record_loop());
    running->tasks.spawn(renew_leases());
    std::exception_ptr ended;
    try {
        co_await claim_loop();
    } catch (...) {
        ended = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    running->tasks.cancel();
    co_await running->tasks.drained();
    co_await running->reading.drained();
    if (!unrecorded.empty())
        co_await record_once();
    running->changed.notify();
    running.reset();
    claiming = false;
    std::rethrow_exception(ended); // the loop ends by cancellation only
}

asio::awaitable<void> DeliveryRunner::State::claim_loop()
{
    unsigned empty_claims = 0;
    for (;;) {
        if (status.suspended && !draining)
            co_await probe();
        else if (!may_claim())
            co_await running->changed.wait();
        else
            co_await claim_batch(empty_claims);
    }
}

bool DeliveryRunner::State::may_claim() const
{
    const std::size_t most_unrecorded = options.concurrent * options.max_instances;
    return !draining && !status.suspended && status.in_flight < window.allowed() &&
           unrecorded.size() + recording.size() < most_unrecorded;
}

bool DeliveryRunner::State::idle() const
{
    return !claiming && status.in_flight == 0 && unrecorded.empty() && recording.empty();
}

// claim_loop awaits: NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<void> DeliveryRunner::State::claim_batch(unsigned& empty_claims)
{
    claiming = true;
    auto claimed = co_await queue.claim(
        origin.name(), options.max_instances, options.max_bytes, options.lease
    );
    claiming = false;
    running->changed.notify(); // a drain may wait for this
    if (!claimed) {
        spdlog::warn(
            "queue cannot be asked destination={} reason=\"{}\"",
            origin.name(),
            claimed.error().text()
        );
        co_await pause(queue_retry);
        co_return;
    }
    // Still under way under a lease that could not be renewed: never sent twice at once.
    std::erase_if(*claimed, [this](const Delivery& d) { return in_hand.contains(d.id); });
    if (!claimed->empty()) {
        empty_claims = 0;
        for (const Delivery& delivery : *claimed)
            in_hand.insert(delivery.id);
        ++status.in_flight;
        running->tasks.spawn(send(std::move(*claimed)));
        co_return;
    }
    if (++empty_claims > 1)
        co_await pause(empty_retry);
    co_await queue.ready(origin.name());
}

asio::awaitable<void> DeliveryRunner::State::renew_leases()
{
    for (;;) {
        co_await pause(std::chrono::milliseconds(options.lease) / 3);
        if (in_hand.empty())
            continue;
        std::vector<std::int64_t> ids(in_hand.begin(), in_hand.end());
        const auto renewed = co_await queue.renew(std::move(ids), options.lease);
        if (!renewed)
            spdlog::warn(
                "leases not renewed destination={} reason=\"{}\"",
                origin.name(),
                renewed.error().text()
            );
    }
}

asio::awaitable<void> DeliveryRunner::State::pause(std::chrono::milliseconds time)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(use_tuple);
}

} // namespace gantry::custody
