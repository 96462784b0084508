// Tells the service manager how we are (sd_notify(3)); does nothing where nobody asked.
#pragma once

#include "gateway/loop/asio.h"

#include <chrono>
#include <optional>
#include <string>

namespace gantry::operation {

/// READY=1: listeners are open, the queue is reconciled.
void notify_ready();

/// STOPPING=1.
void notify_stopping();

/// STATUS=, one line for `systemctl status`.
void notify_status(const std::string& line);

/// How often the watchdog must be fed; empty where none was asked for (WATCHDOG_USEC).
std::optional<std::chrono::microseconds> watchdog_interval();

/// WATCHDOG=1 at half the interval, from the loop itself: a loop that stands still is restarted.
/// Until cancelled; ends at once where no watchdog was asked for.
asio::awaitable<void> feed_watchdog();

} // namespace gantry::operation
