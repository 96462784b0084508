#include "gateway/loop/fair_turns.h"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <list>
#include <unordered_map>
#include <utility>

namespace gantry {

template <class Key>
struct FairTurns<Key>::State {
    struct Waiter {
        Key who;
        asio::steady_timer wake;
        bool granted = false;
    };

    State(std::size_t places, std::size_t for_each)
        : left(std::max<std::size_t>(places, 1)), for_one(std::max<std::size_t>(for_each, 1))
    {
    }

    bool may_have(const Key& who) const { return left > 0 && held(who) < for_one; }

    std::size_t held(const Key& who) const
    {
        const auto found = holders.find(who);
        return found == holders.end() ? 0 : found->second;
    }

    void take(const Key& who)
    {
        --left;
        ++holders[who];
    }

    void give_back(const Key& who)
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

    std::size_t left;
    std::size_t for_one;
    std::unordered_map<Key, std::size_t> holders;
    std::list<Waiter*> waiting; // in order of arrival
};

template <class Key>
FairTurns<Key>::Turn::Turn(std::shared_ptr<State> state, Key who)
    : state_(std::move(state)), who_(std::move(who))
{
}

template <class Key>
typename FairTurns<Key>::Turn& FairTurns<Key>::Turn::operator=(Turn&& other) noexcept
{
    std::swap(state_, other.state_);
    std::swap(who_, other.who_);
    return *this;
}

template <class Key>
FairTurns<Key>::Turn::~Turn()
{
    if (state_)
        state_->give_back(who_);
}

template <class Key>
FairTurns<Key>::FairTurns(std::size_t places) : FairTurns(places, places - places / 4)
{
}

template <class Key>
FairTurns<Key>::FairTurns(std::size_t places, std::size_t for_one)
    : state_(std::make_shared<State>(places, for_one))
{
}

template <class Key>
FairTurns<Key>::~FairTurns() = default;

template <class Key>
std::size_t FairTurns<Key>::for_one() const noexcept
{
    return state_->for_one;
}

template <class Key>
std::optional<typename FairTurns<Key>::Turn> FairTurns<Key>::try_take(const Key& who)
{
    // Who still waits may not have what is left: all of it would have been granted.
    if (!state_->may_have(who))
        return std::nullopt;
    state_->take(who);
    return Turn(state_, who);
}

template <class Key>
asio::awaitable<std::optional<typename FairTurns<Key>::Turn>>
FairTurns<Key>::take(Key who, std::chrono::milliseconds longest)
{
    return take_until(std::move(who), std::chrono::steady_clock::now() + longest);
}

template <class Key>
asio::awaitable<typename FairTurns<Key>::Turn> FairTurns<Key>::take(Key who)
{
    auto turn = co_await take_until(std::move(who), Moment::max());
    co_return std::move(*turn);
}

template <class Key>
asio::awaitable<std::optional<typename FairTurns<Key>::Turn>>
FairTurns<Key>::take_until(Key who, Moment last)
{
    const auto state = state_;
    if (auto now = try_take(who))
        co_return now;
    typename State::Waiter waiter{
        who, asio::steady_timer(co_await asio::this_coro::executor, last)
    };
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

template <class Key>
bool FairTurns<Key>::wanted_by_others(const Key& who) const
{
    return std::ranges::any_of(state_->waiting, [&](const auto* waiter) {
        return waiter->who != who && state_->held(waiter->who) < state_->for_one;
    });
}

template class FairTurns<AeTitle>;
template class FairTurns<std::uint64_t>;

} // namespace gantry
