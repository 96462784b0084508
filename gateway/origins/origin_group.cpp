#include "gateway/origins/origin_group.h"

#include "gateway/error.h"
#include "gateway/origins/group_find.h"
#include "gateway/origins/group_retrieve.h"

#include <algorithm>

namespace gantry {

OriginGroup::OriginGroup(std::vector<Origin*> origins, OriginGroupLimits limits)
    : origins_(std::move(origins)), limits_(limits)
{
    for (const Origin* origin : origins_)
        name_ += (name_.empty() ? "" : "+") + origin->name();
}

const std::string& OriginGroup::name() const
{
    return name_;
}

Abilities OriginGroup::abilities() const
{
    Abilities all{true, true, false, false, true};
    for (const Origin* origin : origins_) {
        const Abilities one = origin->abilities();
        all.find = all.find && one.find;
        all.retrieve = all.retrieve && one.retrieve;
        all.exact = all.exact && one.exact;
    }
    return all;
}

asio::awaitable<FindEnd> OriginGroup::find(FindQuestion question, FindSink& matches)
{
    GroupFind find(co_await asio::this_coro::executor, origins_, limits_);
    co_return co_await find.run(std::move(question), matches);
}

asio::awaitable<RetrieveEnd> OriginGroup::retrieve(RetrieveQuestion question, RetrieveSink& sink)
{
    GroupRetrieve retrieve(co_await asio::this_coro::executor, origins_);
    co_return co_await retrieve.run(std::move(question), sink);
}

asio::awaitable<std::vector<StoreOutcome>>
OriginGroup::store(std::vector<std::unique_ptr<InstanceContent>> batch)
{
    std::vector<StoreOutcome> outcomes(batch.size());
    for (StoreOutcome& outcome : outcomes)
        outcome.kind = StoreOutcome::Kind::unavailable;
    co_return outcomes;
}

asio::awaitable<Result<std::vector<bool>>> OriginGroup::verify(std::vector<InstanceKey>)
{
    co_return error(Errc::unsupported, "verifying in several origins");
}

asio::awaitable<Health> OriginGroup::health()
{
    Health worst;
    worst.reachable = true;
    for (Origin* origin : origins_) {
        Health one = co_await origin->health();
        if (!one.reachable)
            co_return one;
        worst.round_trip = std::max(worst.round_trip, one.round_trip);
    }
    co_return worst;
}

} // namespace gantry
