// The process around the service: signals in, exit status out.
#include "gateway/serve.h"

#include "gateway/face_options.h"
#include "gateway/loop/task_group.h"
#include "gateway/operation/logging.h"
#include "gateway/operation/service_notify.h"
#include "gateway/service.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <malloc.h>

namespace gantry {

namespace {

// The work of many threads comes and goes; without this glibc keeps an arena for each (mallopt(3)).
constexpr int malloc_arenas = 4;

// SIGTERM: drain, bounded by drain_timeout and by a second signal; then stop.
asio::awaitable<void> end_on_signal(
    Service& service,          // NOLINT: outlives the loop
    asio::signal_set& signals, // NOLINT: outlives the loop
    std::chrono::milliseconds drain_timeout
)
{
    using namespace asio::experimental::awaitable_operators;
    const auto [ec, number] = co_await signals.async_wait(use_tuple);
    if (ec)
        co_return;
    spdlog::info("stopping signal={} drain_timeout_ms={}", number, drain_timeout.count());
    operation::notify_stopping();
    asio::steady_timer limit(co_await asio::this_coro::executor, drain_timeout);
    co_await (
        service.drain() || limit.async_wait(asio::use_awaitable) ||
        signals.async_wait(asio::use_awaitable)
    );
    co_await service.stop();
}

// SIGHUP, as often as it comes.
asio::awaitable<void> reload_on_signal(
    Service& service,         // NOLINT: outlives the loop
    asio::signal_set& signals // NOLINT: outlives the loop
)
{
    for (;;) {
        const auto [ec, number] = co_await signals.async_wait(use_tuple);
        if (ec)
            co_return;
        spdlog::info("reloading certificates signal={}", number);
        service.reload();
    }
}

} // namespace

int serve(const Config& config)
{
    mallopt(M_ARENA_MAX, malloc_arenas);
    std::signal(SIGPIPE, SIG_IGN); // NOLINT: no other way; a closed socket is an error code
    operation::start_logging(config.log_level);
    if (const auto missing = not_offered(config); !missing.empty()) {
        for (const std::string& what : missing)
            spdlog::error("configuration asks for what this release does not offer: {}", what);
        return 2;
    }
    asio::io_context loop(1);
    asio::signal_set signals(loop, SIGTERM, SIGINT);
    asio::signal_set hang_up(loop, SIGHUP);
    auto service = Service::start(config, loop.get_executor());
    if (!service) {
        spdlog::error("cannot start: {}", service.error().text());
        return 1;
    }
    bool failed = false;
    (*service)->run();
    asio::co_spawn(
        loop,
        end_on_signal(**service, signals, config.drain_timeout),
        [&](std::exception_ptr fault) {
            failed = fault != nullptr;
            loop.stop();
        }
    );
    asio::co_spawn(loop, reload_on_signal(**service, hang_up), [&](std::exception_ptr fault) {
        failed = failed || fault != nullptr;
    });
    loop.run();
    (*service)->close();
    spdlog::info("stopped");
    return failed ? 1 : 0;
}

} // namespace gantry
