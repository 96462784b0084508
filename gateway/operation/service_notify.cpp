#include "gateway/operation/service_notify.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <systemd/sd-daemon.h>

namespace gantry::operation {

void notify_ready()
{
    ::sd_notify(0, "READY=1");
}

void notify_stopping()
{
    ::sd_notify(0, "STOPPING=1");
}

void notify_status(const std::string& line)
{
    const std::string text = "STATUS=" + line.substr(0, line.find('\n'));
    ::sd_notify(0, text.c_str());
}

std::optional<std::chrono::microseconds> watchdog_interval()
{
    std::uint64_t microseconds = 0;
    if (::sd_watchdog_enabled(0, &microseconds) <= 0 || microseconds == 0)
        return std::nullopt;
    return std::chrono::microseconds(static_cast<std::int64_t>(microseconds));
}

asio::awaitable<void> feed_watchdog()
{
    const auto interval = watchdog_interval();
    if (!interval)
        co_return;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        ::sd_notify(0, "WATCHDOG=1");
        timer.expires_after(*interval / 2);
        const auto [ec] = co_await timer.async_wait(use_tuple);
        if (ec)
            co_return;
    }
}

} // namespace gantry::operation
