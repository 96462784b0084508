#include "web/connection_pool.h"

#include "web/error.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <deque>
#include <list>
#include <utility>

namespace gantry::web {

using std::chrono::steady_clock;

struct ConnectionPool::State : std::enable_shared_from_this<State> {
    struct Waiter {
        Waiter(State& pool, std::chrono::milliseconds longest)
            : state(pool), timer(pool.loop, longest)
        {
            state.waiters.push_back(this);
        }

        ~Waiter() { state.waiters.remove(this); }

        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;

        State& state;
        asio::steady_timer timer;
        bool granted = false;
    };

    struct Idle {
        std::unique_ptr<Wire> wire;
        steady_clock::time_point since;
    };

    State(asio::any_io_executor executor, std::size_t most, std::chrono::milliseconds idle)
        : loop(std::move(executor)), max(most), idle_timeout(idle), expiry(loop)
    {
    }

    void give_back()
    {
        --used;
        if (waiters.empty())
            return;
        Waiter& next = *waiters.front();
        waiters.pop_front();
        ++used;
        next.granted = true;
        next.timer.cancel();
    }

    // Closes what has been idle for too long, and comes back for the next.
    void expire()
    {
        const auto now = steady_clock::now();
        while (!idle.empty() && now - idle.front().since >= idle_timeout)
            idle.pop_front();
        if (idle.empty())
            return;
        expiry.expires_at(idle.front().since + idle_timeout);
        expiry.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
            const auto self = weak.lock();
            if (!ec && self)
                self->expire();
        });
    }

    asio::any_io_executor loop;
    std::size_t max;
    std::chrono::milliseconds idle_timeout;
    std::size_t used = 0;
    std::list<Waiter*> waiters;
    std::deque<Idle> idle; // the one used last at the back
    asio::steady_timer expiry;
    bool closed = false;
};

ConnectionPool::Lease& ConnectionPool::Lease::operator=(Lease&& other) noexcept
{
    if (this != &other) {
        release();
        pool_ = std::move(other.pool_);
        wire_ = std::move(other.wire_);
    }
    return *this;
}

bool ConnectionPool::Lease::take_idle()
{
    auto& idle = pool_->idle;
    while (!idle.empty()) {
        auto wire = std::move(idle.back().wire);
        idle.pop_back();
        if (wire->connection->quiet()) {
            wire_ = std::move(wire);
            return true;
        }
    }
    return false;
}

void ConnectionPool::Lease::keep()
{
    if (wire_ && !pool_->closed) {
        const bool first = pool_->idle.empty();
        pool_->idle.push_back({std::move(wire_), steady_clock::now()});
        if (first)
            pool_->expire();
    }
    release();
}

void ConnectionPool::Lease::release()
{
    wire_.reset();
    if (const auto pool = std::exchange(pool_, nullptr))
        pool->give_back();
}

ConnectionPool::ConnectionPool(
    asio::any_io_executor loop, std::size_t max, std::chrono::milliseconds idle
)
    : state_(std::make_shared<State>(std::move(loop), max, idle))
{
}

ConnectionPool::~ConnectionPool()
{
    state_->closed = true;
    state_->idle.clear();
    state_->expiry.cancel();
}

asio::awaitable<Result<ConnectionPool::Lease>>
ConnectionPool::acquire(std::chrono::milliseconds longest)
{
    const auto state = state_;
    if (state->used < state->max) {
        ++state->used;
        co_return Lease(state);
    }
    State::Waiter waiter(*state, longest);
    (void)co_await waiter.timer.async_wait(use_tuple);
    if (waiter.granted)
        co_return Lease(state);
    const auto cancelled = co_await asio::this_coro::cancellation_state;
    if (cancelled.cancelled() != asio::cancellation_type::none)
        co_return Error{asio::error::operation_aborted, "waiting for a connection"};
    co_return error(Errc::timeout, "waiting for a connection");
}

} // namespace gantry::web
