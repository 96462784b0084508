#include "web/watchdog.h"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>

namespace gantry::web {

namespace {

using Time = std::chrono::steady_clock::time_point;

} // namespace

struct Watchdog::State : std::enable_shared_from_this<State> {
    State(asio::any_io_executor loop, std::function<void()> on_bite)
        : timer(std::move(loop)), bite(std::move(on_bite))
    {
    }

    void wait_until(Time time)
    {
        waits_until = time;
        timer.expires_at(time); // ends an earlier wait
        timer.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
            const auto self = weak.lock();
            if (!ec && self)
                self->woken();
        });
    }

    void woken()
    {
        waits_until = Time::max();
        const Time next = std::min(due[0], due[1]);
        if (next == Time::max() || !bite)
            return;
        if (next > std::chrono::steady_clock::now()) {
            wait_until(next);
            return;
        }
        // What ends one side's operation ends the other's as well, had it a deadline or not.
        passed = {true, true};
        due = {Time::max(), Time::max()};
        bite();
    }

    asio::steady_timer timer;
    std::function<void()> bite;
    std::array<Time, 2> due{Time::max(), Time::max()};
    std::array<bool, 2> passed{};
    Time waits_until = Time::max();
};

Watchdog::Watchdog(asio::any_io_executor loop, std::function<void()> bite)
    : state_(std::make_shared<State>(std::move(loop), std::move(bite)))
{
}

Watchdog::~Watchdog()
{
    state_->bite = nullptr;
    state_->timer.cancel();
}

void Watchdog::arm(Side side, std::chrono::milliseconds longest)
{
    const auto i = static_cast<std::size_t>(side);
    state_->passed[i] = false;
    if (longest == std::chrono::milliseconds::max())
        return;
    state_->due[i] = std::chrono::steady_clock::now() + longest;
    if (state_->due[i] < state_->waits_until)
        state_->wait_until(state_->due[i]);
}

bool Watchdog::disarm(Side side) noexcept
{
    const auto i = static_cast<std::size_t>(side);
    state_->due[i] = Time::max();
    return state_->passed[i];
}

} // namespace gantry::web
