// Several coroutines that do one thing at once and hand on its results in their order. Loop.
#pragma once

#include "gateway/loop/asio.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <functional>
#include <utility>

namespace gantry {

/// Wakes who waits for a change. Whoever waits looks again, and is cancelled like any coroutine.
class Change {
public:
    explicit Change(asio::any_io_executor loop)
        : timer_(std::move(loop), asio::steady_timer::time_point::max())
    {
    }

    void notify() { timer_.cancel(); }

    /// Throws operation_aborted where the coroutine is cancelled.
    asio::awaitable<void> wait()
    {
        co_await timer_.async_wait(use_tuple);
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }

private:
    asio::steady_timer timer_;
};

/// one(0), one(1) ... one(count - 1) at once; completes with the last. Where one throws, the others
/// are cancelled and what it threw is thrown.
inline asio::awaitable<void>
all_of(std::function<asio::awaitable<void>(std::size_t)> one, std::size_t count)
{
    using namespace asio::experimental::awaitable_operators;
    if (count == 0)
        co_return;
    if (count == 1)
        co_return co_await one(0);
    auto rest = [one](std::size_t i) { return one(i + 1); };
    std::function<asio::awaitable<void>(std::size_t)> others = std::move(rest);
    auto both = one(0) && all_of(std::move(others), count - 1);
    co_await std::move(both);
}

} // namespace gantry
