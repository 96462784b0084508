#include "gateway/origins/fetch_permits.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <list>
#include <utility>

namespace gantry {

struct FetchPermits::Standing {
    std::size_t held = 0;
};

struct FetchPermits::State {
    struct Waiter {
        Waiter(const asio::any_io_executor& loop, Standing& who)
            : party(who), wake(loop, asio::steady_timer::time_point::max())
        {
        }

        Standing& party;
        asio::steady_timer wake;
        bool granted = false;
    };

    explicit State(std::size_t at_once) : most(std::max<std::size_t>(at_once, 1)), left(most) {}

    std::size_t for_one() const noexcept { return most > 2 ? most - 1 : most; }

    bool may_have(const Standing& party) const noexcept
    {
        return left != 0 && party.held < for_one();
    }

    void take(Standing& party) noexcept
    {
        --left;
        ++party.held;
    }

    void give_back(Standing& party)
    {
        ++left;
        --party.held;
        grant();
    }

    // Who came first stands first: of those that hold equally few, min_element finds that one.
    void grant()
    {
        while (left != 0 && !waiting.empty()) {
            const auto next = std::ranges::min_element(waiting, {}, [](const Waiter* w) {
                return w->party.held;
            });
            Waiter& waiter = **next;
            if (!may_have(waiter.party))
                return;
            waiting.erase(next);
            take(waiter.party);
            waiter.granted = true;
            waiter.wake.cancel();
        }
    }

    std::size_t most;
    std::size_t left;
    std::list<Waiter*> waiting; // in order of arrival
};

FetchPermits::Party::Party(FetchPermits& permits)
    : state_(permits.state_), standing_(std::make_unique<Standing>())
{
}

FetchPermits::Party::~Party() = default;

FetchPermits::Permit::Permit(std::shared_ptr<State> state, Standing& holder)
    : state_(std::move(state)), holder_(&holder)
{
}

FetchPermits::Permit::~Permit()
{
    if (state_)
        state_->give_back(*holder_);
}

FetchPermits::FetchPermits(std::size_t at_once) : state_(std::make_shared<State>(at_once)) {}

FetchPermits::~FetchPermits() = default;

std::size_t FetchPermits::for_one() const noexcept
{
    return state_->for_one();
}

bool FetchPermits::wanted_by_others(const Party& party) const noexcept
{
    return std::ranges::any_of(state_->waiting, [&](const State::Waiter* waiter) {
        return &waiter->party != party.standing_.get() && waiter->party.held < state_->for_one();
    });
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): see Party
asio::awaitable<FetchPermits::Permit> FetchPermits::acquire(Party& party)
{
    const auto state = party.state_;
    Standing& standing = *party.standing_;
    if (state->may_have(standing)) { // who still waits may not have it
        state->take(standing);
        co_return Permit(state, standing);
    }
    State::Waiter waiter(co_await asio::this_coro::executor, standing);
    state->waiting.push_back(&waiter);
    (void)co_await waiter.wake.async_wait(use_tuple);
    if (!waiter.granted) {
        state->waiting.remove(&waiter);
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return Permit(state, standing);
}

} // namespace gantry
