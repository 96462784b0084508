#include "dimse/association_turns.h"

#include "dimse/error.h"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace gantry::dimse {

/// One who waits, until it has its turn or gives up: a turn that nobody fetched goes to the next.
class AssociationTurns::Queued {
public:
    Queued(AssociationTurns& owner, std::shared_ptr<Waiter> waiter)
        : owner_(&owner), waiter_(std::move(waiter))
    {
        owner_->enter(waiter_);
    }

    Queued(const Queued&) = delete;
    Queued& operator=(const Queued&) = delete;
    Queued(Queued&&) = delete;
    Queued& operator=(Queued&&) = delete;

    ~Queued()
    {
        if (!fetched_)
            owner_->leave(waiter_);
    }

    bool granted() const { return owner_->granted(*waiter_); }

    Turn fetch()
    {
        fetched_ = true;
        return {owner_->shared_from_this(), waiter_->length};
    }

private:
    AssociationTurns* owner_;
    std::shared_ptr<Waiter> waiter_;
    bool fetched_ = false;
};

asio::awaitable<Result<AssociationTurns::Turn>> AssociationTurns::take(Length length)
{
    if (most_ == 0)
        co_return Turn{};
    const auto self = shared_from_this();
    const auto loop = co_await asio::this_coro::executor;
    const auto waiter = std::make_shared<Waiter>(loop, length);
    waiter->timer.expires_after(patience_);
    Queued queued(*this, waiter);
    if (!queued.granted()) {
        const auto [ended] = co_await waiter->timer.async_wait(use_tuple);
        if (!queued.granted()) {
            if (ended)
                co_return error(Errc::stopped);
            co_return error(Errc::busy, "no association came free in time");
        }
    }
    co_return queued.fetch();
}

void AssociationTurns::enter(const std::shared_ptr<Waiter>& waiter)
{
    const std::lock_guard lock(mutex_);
    waiting_.push_back(waiter);
    grant_what_fits();
}

void AssociationTurns::leave(const std::shared_ptr<Waiter>& waiter)
{
    const std::lock_guard lock(mutex_);
    if (waiter->granted)
        count_out(waiter->length);
    else
        waiting_.remove(waiter);
    grant_what_fits();
}

bool AssociationTurns::granted(const Waiter& waiter) const
{
    const std::lock_guard lock(mutex_);
    return waiter.granted;
}

void AssociationTurns::end(Length length)
{
    const std::lock_guard lock(mutex_);
    count_out(length);
    grant_what_fits();
}

void AssociationTurns::count_out(Length length)
{
    --taken_;
    lengthy_ -= length == Length::lengthy ? 1 : 0;
}

bool AssociationTurns::fits(Length length) const
{
    const std::size_t most_lengthy = std::max<std::size_t>(most_ - 1, 1);
    return taken_ < most_ && (length == Length::brief || lengthy_ < most_lengthy);
}

void AssociationTurns::grant_what_fits()
{
    for (auto at = waiting_.begin(); at != waiting_.end() && taken_ < most_;) {
        const std::shared_ptr<Waiter> waiter = *at;
        if (!fits(waiter->length)) {
            ++at;
            continue;
        }
        at = waiting_.erase(at);
        waiter->granted = true;
        ++taken_;
        lengthy_ += waiter->length == Length::lengthy ? 1 : 0;
        asio::post(waiter->timer.get_executor(), [waiter] { waiter->timer.cancel(); });
    }
}

} // namespace gantry::dimse
