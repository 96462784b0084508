// Gives a claimed batch to the origin and settles what became of each instance. Runs on the loop;
// never waits for the queue.
#include "gateway/custody/delivery_state.h"

#include <boost/asio/error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace gantry::custody {

namespace {

// The destination itself said something about the instance.
bool is_answer(const StoreOutcome& outcome)
{
    using Kind = StoreOutcome::Kind;
    return outcome.kind != Kind::transient && outcome.kind != Kind::unavailable &&
           outcome.kind != Kind::damaged;
}

StoreOutcome internal_failure(const char* what)
{
    spdlog::error("store ended by an exception reason=\"{}\"", what);
    StoreOutcome outcome;
    outcome.kind = StoreOutcome::Kind::transient;
    outcome.answer = "internal error";
    return outcome;
}

} // namespace

asio::awaitable<void> DeliveryRunner::State::send(std::vector<Delivery> batch)
{
    const ReadingRoom room{spool, disk, running->reading};
    std::vector<std::unique_ptr<InstanceContent>> contents;
    std::vector<std::shared_ptr<bool>> begun;
    for (const Delivery& delivery : batch) {
        begun.push_back(std::make_shared<bool>(false));
        contents.push_back(std::make_unique<SpoolContent>(room, delivery.instance, begun.back()));
    }
    const SteadyTime started = clock.steady();
    std::vector<StoreOutcome> outcomes;
    bool cancelled = false;
    try {
        outcomes = co_await ask_origin(std::move(contents));
    } catch (const boost::system::system_error& fault) {
        cancelled = fault.code() == asio::error::operation_aborted;
        outcomes.assign(batch.size(), cancelled ? StoreOutcome{} : internal_failure(fault.what()));
    } catch (const std::exception& fault) {
        outcomes.assign(batch.size(), internal_failure(fault.what()));
    }
    --status.in_flight;
    if (cancelled) {
        give_back(std::move(batch), begun);
    } else {
        pace(outcomes);
        settle(std::move(batch), std::move(outcomes), clock.steady() - started);
    }
    running->settled.notify();
    running->changed.notify();
}

asio::awaitable<std::vector<StoreOutcome>>
DeliveryRunner::State::ask_origin(std::vector<std::unique_ptr<InstanceContent>> contents)
{
    const std::size_t count = contents.size();
    std::vector<StoreOutcome> outcomes = co_await origin.store(std::move(contents));
    if (outcomes.size() != count)
        throw std::logic_error("an origin gave another number of outcomes than of instances");
    co_return outcomes;
}

void DeliveryRunner::State::settle(
    std::vector<Delivery> batch, std::vector<StoreOutcome> outcomes, std::chrono::nanoseconds took
)
{
    for (std::size_t i = 0; i < batch.size(); ++i) {
        RecordingContext context;
        context.now = clock.wall();
        context.backoff = backoff();
        context.chance = chance();
        context.limited_attempts = options.limited_attempts;
        if (outcomes[i].kind == StoreOutcome::Kind::limited)
            context.limited_seen = limited.count(batch[i].id);
        Settled settled{std::move(batch[i]), std::move(outcomes[i]), {}};
        settled.record = record_of(settled.delivery, settled.outcome, context);
        if (settled.record.state != DeliveryState::deferred)
            limited.forget(settled.delivery.id);
        log_delivery(settled, took);
        unrecorded.push_back(std::move(settled));
    }
}

// The window breathes with what the destination says; the whole of it waits where it does not
// answer.
void DeliveryRunner::State::pace(const std::vector<StoreOutcome>& outcomes)
{
    const auto overloaded = [](const StoreOutcome& o) { return tells_of_overload(o.kind); };
    const auto away = [](const StoreOutcome& o) {
        return o.kind == StoreOutcome::Kind::unavailable;
    };
    if (std::ranges::any_of(outcomes, overloaded))
        window.overloaded();
    else if (std::ranges::any_of(outcomes, is_answer))
        window.succeeded();
    if (const auto found = std::ranges::find_if(outcomes, away); found != outcomes.end())
        suspend(*found);
    else if (std::ranges::any_of(outcomes, is_answer))
        failed_probes = 0;
}

// Cancelled: back to the queue, uncounted where nothing of it was read for the origin.
void DeliveryRunner::State::give_back(
    std::vector<Delivery> batch, const std::vector<std::shared_ptr<bool>>& begun
)
{
    for (std::size_t i = 0; i < batch.size(); ++i) {
        Settled settled{std::move(batch[i]), {}, {}};
        settled.record.id = settled.delivery.id;
        settled.record.state = *begun[i] ? DeliveryState::deferred : DeliveryState::queued;
        settled.record.answer = "interrupted";
        settled.record.next_attempt = clock.wall();
        settled.record.counts = *begun[i];
        settled.given_back = true;
        unrecorded.push_back(std::move(settled));
    }
}

void log_delivery(const Settled& settled, std::chrono::nanoseconds took)
{
    using Level = spdlog::level::level_enum;
    const DeliveryState state = settled.record.state;
    Level level = Level::info;
    if (state == DeliveryState::deferred)
        level = Level::warn;
    else if (state == DeliveryState::failed || state == DeliveryState::quarantined)
        level = Level::err;
    spdlog::log(
        level,
        "{} delivery={} destination={} sop={} outcome={} answer=\"{}\" attempt={} ms={}",
        to_string(state),
        settled.delivery.instance.envelope.id,
        settled.delivery.destination,
        settled.delivery.instance.envelope.key.sop.sop_instance.str(),
        to_string(settled.outcome.kind),
        settled.outcome.answer,
        settled.delivery.attempts,
        std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
    );
}

} // namespace gantry::custody
