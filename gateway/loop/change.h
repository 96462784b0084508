// How a coroutine waits until another has changed what it looks at. Loop; knows no deadline: what
// is waited for has one, or who waits is cancelled.
#pragma once

#include "gateway/loop/asio.h"

#include <boost/asio/steady_timer.hpp>

namespace gantry {

/// Something changed: those who wait look again.
///
///     while (!there)
///         co_await change.wait();
class Change {
public:
    explicit Change(asio::any_io_executor loop);

    /// Wakes all who wait now; who comes later has looked already.
    void notify() { timer_.cancel(); }

    /// Completes too where the coroutine is cancelled, or this destroyed: who waits looks once more
    /// at what may have come at the same moment, and the next co_await throws (operation_aborted).
    asio::awaitable<void> wait();

    asio::any_io_executor executor() { return timer_.get_executor(); }

private:
    asio::steady_timer timer_; // never expires
};

} // namespace gantry
