// What there is: remembered, heard from a fetch under way, or asked of the origin.
#include "gateway/origins/cache/cached_retrieve.h"

#include <algorithm>
#include <utility>

namespace gantry::cache {

namespace {

constexpr std::size_t described = 16; // instances that are looked at without a list

std::string seconds_of(std::chrono::steady_clock::duration time)
{
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

} // namespace

asio::awaitable<std::optional<RetrieveEnd>> CachedRetrieve::find_out(RetrieveQuestion question)
{
    scope_ = Scope::of(question);
    if (co_await describe_named() || recall())
        co_return std::nullopt;
    auto fetch = fetch_that_tells();
    if (fetch) {
        join(fetch);
    } else {
        const bool cold = is_cold();
        const auto brings = cold ? SharedFetch::Brings::instances : SharedFetch::Brings::list;
        fetch = SharedFetch::start(room_, std::move(question), brings, *this);
        join(fetch);
        if (cold)
            own_ = fetch;
    }
    while (!fetch->told() && !fetch->has_ended())
        co_await change_->wait();
    co_return take_list(*fetch);
}

/// A few named instances that are all here say themselves what they are.
asio::awaitable<bool> CachedRetrieve::describe_named()
{
    if (!scope_ || scope_->series.size() != 1 || scope_->instances.empty() ||
        scope_->instances.size() > described)
        co_return false;
    SeriesFolder folder = room_.folder({scope_->study, scope_->series.front()});
    std::vector<PackedUid> sops;
    for (const Uid& instance : scope_->instances)
        sops.emplace_back(instance);
    const auto here = room_.store->look(folder, sops);
    if (!std::ranges::all_of(here, [](const auto& one) { return one.has_value(); }))
        co_return false;
    auto work = [store = room_.store,
                 folder = std::move(folder),
                 sops = std::move(sops)](const std::stop_token&) {
        std::vector<InstanceKey> keys;
        for (const PackedUid& sop : sops)
            if (auto file = store->open_file(folder, sop))
                keys.push_back(std::move(file->note.key));
        return keys;
    };
    const std::vector<InstanceKey> keys = co_await offload(room_.disk, std::move(work));
    if (keys.size() != scope_->instances.size())
        co_return false;
    list_is(InstanceList(keys));
    co_return true;
}

bool CachedRetrieve::recall()
{
    if (!scope_)
        return false;
    auto known = room_.lists.known(*scope_, room_.clock.steady() - room_.store->options().list_age);
    if (known)
        list_is(std::move(known->list));
    return known.has_value();
}

std::shared_ptr<SharedFetch> CachedRetrieve::fetch_that_tells()
{
    if (!scope_)
        return nullptr;
    const SteadyTime since = room_.clock.steady() - room_.store->options().list_age;
    for (const auto& fetch : room_.fetches) {
        const bool fresh = !fetch->told() || fetch->asked() >= since;
        if (fresh && fetch->scope() && fetch->scope()->covers(*scope_))
            return fetch;
    }
    return nullptr;
}

/// Nothing of it is here or on its way: a fetch of all of it brings the list as well.
bool CachedRetrieve::is_cold() const
{
    if (!scope_)
        return false;
    const bool on_its_way = std::ranges::any_of(room_.fetches, [&](const auto& fetch) {
        return fetch->brings_instances() && fetch->scope() && fetch->scope()->meets(*scope_);
    });
    if (on_its_way)
        return false;
    const CacheStore& store = *room_.store;
    if (scope_->series.empty())
        return !store.any_below(CacheStore::study_prefix(room_.behind.name(), scope_->study));
    return std::ranges::none_of(scope_->series, [&](const Uid& series) {
        const SeriesFolder folder = room_.folder({scope_->study, series});
        if (scope_->instances.empty())
            return store.any_below(folder);
        return std::ranges::any_of(scope_->instances, [&](const Uid& instance) {
            return store.look(folder, PackedUid(instance)).has_value();
        });
    });
}

std::optional<RetrieveEnd> CachedRetrieve::take_list(const SharedFetch& fetch)
{
    if (fetch.told()) {
        InstanceList list;
        list.append(fetch.list(), scope_ ? &*scope_ : nullptr);
        list_is(std::move(list));
        return std::nullopt;
    }
    const RetrieveEnd& end = fetch.end();
    if (end.complete) // nothing was expected, and nothing came
        list_is({});
    else if (!recall_old(end))
        return end;
    return std::nullopt;
}

// The origin is away: what it had when it was last asked can still be given, for what that is.
bool CachedRetrieve::recall_old(const RetrieveEnd& failed)
{
    const bool away =
        failed.shortfall == Shortfall::unavailable || failed.shortfall == Shortfall::timed_out;
    if (!away || !scope_)
        return false;
    const SteadyTime now = room_.clock.steady();
    auto known = room_.lists.known(*scope_, now - room_.store->options().max_age);
    if (!known)
        return false;
    list_is(std::move(known->list));
    is_stale_ = true;
    stale_ = failed;
    stale_.reason = "what there is was asked " + seconds_of(now - known->asked) +
                    " s ago, and cannot be asked now" +
                    (failed.reason.empty() ? "" : ": " + failed.reason);
    return true;
}

void CachedRetrieve::list_is(InstanceList list)
{
    list_ = std::move(list);
    entries_.resize(list_.size());
    places_.reserve(list_.size());
    for (std::size_t at = 0; at < list_.size(); ++at)
        places_.emplace(list_.sop(at), at);
    for (const InstanceList::Series& series : list_.series())
        folders_.push_back(room_.folder(series));
}

} // namespace gantry::cache
