// A destination that does not answer is left alone and asked now and then, with one cheap question,
// whether it is back. Runs on the loop.
#include "gateway/custody/delivery_state.h"

#include <boost/asio/error.hpp>
#include <spdlog/spdlog.h>

#include <exception>

namespace gantry::custody {

namespace {

constexpr std::uint32_t operator_should_look = 3; // failed probes in a row

} // namespace

void DeliveryRunner::State::suspend(const StoreOutcome& outcome)
{
    if (outcome.retry_after)
        retry_after = outcome.retry_after;
    if (status.suspended)
        return;
    status.suspended = true;
    status.suspended_since = clock.wall();
    status.reason = outcome.answer;
    spdlog::warn(
        "destination suspended destination={} reason=\"{}\"", origin.name(), status.reason
    );
}

asio::awaitable<void> DeliveryRunner::State::probe()
{
    const auto delay = probe_delay(backoff(), failed_probes, retry_after, chance());
    status.next_probe = clock.wall() + delay;
    retry_after.reset();
    ++failed_probes; // until something is delivered: an origin that only looks well is not hammered
    co_await pause(delay);
    const Health health = co_await ask_health();
    if (health.reachable) {
        status.suspended = false;
        status.reason.clear();
        window.restart();
        spdlog::info("destination resumed destination={}", origin.name());
        co_return;
    }
    status.reason = health.reason;
    spdlog::log(
        failed_probes >= operator_should_look ? spdlog::level::err : spdlog::level::warn,
        "destination does not answer destination={} probes={} reason=\"{}\"",
        origin.name(),
        failed_probes,
        health.reason
    );
}

asio::awaitable<Health> DeliveryRunner::State::ask_health()
{
    Health health;
    try {
        health = co_await origin.health();
    } catch (const boost::system::system_error& fault) {
        if (fault.code() == asio::error::operation_aborted)
            throw;
        health.reason = fault.what();
    }
    co_return health;
}

} // namespace gantry::custody
