#include "gateway/loop/turns.h"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <list>
#include <unordered_map>
#include <utility>

namespace gantry {

struct Turns::State {
    struct Waiter {
        AeTitle who;
        asio::steady_timer wake;
        bool granted = false;
    };

    explicit State(std::size_t places) : most(std::max<std::size_t>(places, 1)), left(most) {}

    std::size_t for_one() const noexcept { return most - most / 4; }

    bool may_have(const AeTitle& who) const { return left > 0 && held(who) < for_one(); }

    std::size_t held(const AeTitle& who) const
    {
        const auto found = holders.find(who);
        return found == holders.end() ? 0 : found->second;
    }

    void take(const AeTitle& who)
    {
        --left;
        ++holders[who];
    }

    void give_back(const AeTitle& who)
    {
        ++left;
        if (--holders[who] == 0)
            holders.erase(who);
        grant();
    }

    // Who came first stands first: of those that hold equally few, min_element finds that one.
    void grant()
    {
        while (left > 0 && !waiting.empty()) {
            const auto next = std::ranges::min_element(waiting, {}, [this](const Waiter* waiter) {
                return held(waiter->who);
            });
            Waiter& waiter = **next;
            if (!may_have(waiter.who))
                return;
            waiting.erase(next);
            take(waiter.who);
            waiter.granted = true;
            waiter.wake.cancel();
        }
    }

    std::size_t most;
    std::size_t left;
    std::unordered_map<AeTitle, std::size_t> holders;
    std::list<Waiter*> waiting; // in order of arrival
};

Turns::Turn::Turn(std::shared_ptr<State> state, AeTitle who)
    : state_(std::move(state)), who_(std::move(who))
{
}

Turns::Turn& Turns::Turn::operator=(Turn&& other) noexcept
{
    std::swap(state_, other.state_);
    std::swap(who_, other.who_);
    return *this;
}

Turns::Turn::~Turn()
{
    if (state_)
        state_->give_back(who_);
}

Turns::Turns(std::size_t places) : state_(std::make_shared<State>(places)) {}

Turns::~Turns() = default;

std::size_t Turns::for_one() const noexcept
{
    return state_->for_one();
}

std::optional<Turns::Turn> Turns::try_take(const AeTitle& who)
{
    // Who still waits may not have what is left: all of it would have been granted.
    if (!state_->may_have(who))
        return std::nullopt;
    state_->take(who);
    return Turn(state_, who);
}

asio::awaitable<std::optional<Turns::Turn>>
Turns::take(AeTitle who, std::chrono::milliseconds longest)
{
    const auto state = state_;
    if (auto now = try_take(who))
        co_return now;
    State::Waiter waiter{who, asio::steady_timer(co_await asio::this_coro::executor, longest)};
    state->waiting.push_back(&waiter);
    (void)co_await waiter.wake.async_wait(use_tuple);
    const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
    if (!waiter.granted) {
        state->waiting.remove(&waiter);
        if (cancelled != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
        co_return std::nullopt;
    }
    co_return Turn(state, who);
}

} // namespace gantry
