// What is missing, and who brings it.
#include "gateway/origins/cache/cached_retrieve.h"

#include <algorithm>
#include <utility>

namespace gantry::cache {

namespace {

constexpr std::uint8_t most_attempts = 3; // to get one instance, where the origin does not say no

} // namespace

CachedRetrieve::CachedRetrieve(CacheRoom& room, RetrieveSink& sink)
    : room_(room), sink_(sink), change_(std::make_shared<Change>(room.tasks.executor()))
{
}

CachedRetrieve::~CachedRetrieve()
{
    leave_all();
    if (pinned_)
        for (const SeriesFolder& folder : folders_)
            room_.store->unpin(folder);
}

asio::awaitable<RetrieveEnd> CachedRetrieve::run(RetrieveQuestion question)
{
    auto failed = co_await find_out(std::move(question));
    if (failed)
        co_return std::move(*failed);
    pin();
    Result<void> taken = co_await sink_.expect(list_.keys());
    mark_unwanted();
    prepared_ = true;
    for (auto& [number, joined] : joined_)
        joined.fetch->look();
    if (taken)
        taken = co_await give_all();
    leave_all();
    co_return end(taken);
}

// What is in use is the last to go.
void CachedRetrieve::pin()
{
    pinned_ = true;
    for (const SeriesFolder& folder : folders_) {
        room_.store->pin(folder);
        room_.store->touch(folder);
    }
    room_.disk.submit([store = room_.store, folders = folders_](const std::stop_token&) {
        store->note_use(folders);
    });
}

bool CachedRetrieve::takes(const Uid& sop_class) const
{
    const auto wanted = sink_.acceptable(sop_class);
    return !wanted || !wanted->empty();
}

void CachedRetrieve::mark_unwanted()
{
    std::unordered_set<Uid> unwanted;
    for (const Uid& sop_class : list_.sop_classes())
        if (!takes(sop_class))
            unwanted.insert(sop_class);
    for (std::size_t at = 0; at < list_.size() && !unwanted.empty(); ++at)
        if (unwanted.contains(list_.sop_class(at)))
            entries_[at].state = State::unwanted;
    std::erase_if(queue_, [this](const Item& item) { // came while it was being prepared
        const bool drop = entries_[item.at].state == State::unwanted;
        if (drop)
            taken(item);
        return drop;
    });
}

void CachedRetrieve::plan()
{
    to_plan_ = false;
    queue_what_is_here();
    std::vector<std::size_t> missing;
    for (std::size_t at = 0; at < entries_.size(); ++at)
        if (entries_[at].state == State::open)
            missing.push_back(at);
    if (is_stale_) {
        for (const std::size_t at : missing)
            lose(at, stale_);
        missing.clear();
    }
    expect_what_comes(missing);
    std::vector<std::uint16_t> idle;
    for (const auto& [number, joined] : joined_)
        if (joined.expected == 0)
            idle.push_back(number);
    for (const std::uint16_t number : idle)
        leave(number);
    if (!missing.empty() && !own_)
        fetch_next(std::move(missing));
}

void CachedRetrieve::queue_what_is_here()
{
    std::vector<std::vector<std::size_t>> by_series(folders_.size());
    for (std::size_t at = 0; at < entries_.size(); ++at)
        if (entries_[at].state == State::open)
            by_series[list_.series_of(at)].push_back(at);
    for (std::size_t series = 0; series < by_series.size(); ++series) {
        std::vector<PackedUid> sops;
        for (const std::size_t at : by_series[series])
            sops.push_back(list_.sop(at));
        const auto here = room_.store->look(folders_[series], sops);
        for (std::size_t i = 0; i < here.size(); ++i) {
            if (!here[i])
                continue;
            const std::size_t at = by_series[series][i];
            entries_[at].state = State::queued;
            queue_.push_back({at, *here[i]});
        }
    }
}

void CachedRetrieve::expect_what_comes(std::vector<std::size_t>& missing)
{
    if (room_.fetches.empty())
        return;
    std::erase_if(missing, [this](std::size_t at) {
        const InstanceKey key = list_.key(at);
        const auto brings = [&](const auto& fetch) { return fetch->may_bring(key); };
        const auto fetch = std::ranges::find_if(room_.fetches, brings);
        if (fetch == room_.fetches.end())
            return false;
        expect_from(*fetch, at);
        return true;
    });
}

void CachedRetrieve::fetch_next(std::vector<std::size_t> missing)
{
    PlannedFetch next = plan_fetch(list_, missing, scope_ ? &*scope_ : nullptr);
    own_ =
        SharedFetch::start(room_, std::move(next.question), SharedFetch::Brings::instances, *this);
    if (own_->has_ended()) { // could not be started
        for (const std::size_t at : missing)
            lose(at, own_->end());
        own_.reset();
        return;
    }
    for (const std::size_t at : next.places)
        expect_from(own_, at);
}

void CachedRetrieve::join(const std::shared_ptr<SharedFetch>& fetch)
{
    if (fetch->has_ended())
        return;
    for (const auto& [number, joined] : joined_)
        if (joined.fetch == fetch)
            return;
    fetch->join(*this);
    joined_.emplace(next_number_++, Joined{fetch});
}

void CachedRetrieve::expect_from(const std::shared_ptr<SharedFetch>& fetch, std::size_t at)
{
    join(fetch);
    for (auto& [number, joined] : joined_) {
        if (joined.fetch != fetch)
            continue;
        ++joined.expected;
        entries_[at].state = State::coming;
        entries_[at].fetch = number;
    }
}

void CachedRetrieve::leave(std::uint16_t number)
{
    const auto found = joined_.find(number);
    if (found == joined_.end())
        return;
    const auto fetch = std::move(found->second.fetch);
    joined_.erase(found);
    if (own_ == fetch) {
        own_.reset();
        to_plan_ = true;
    }
    fetch->leave(*this);
    change_->notify();
}

void CachedRetrieve::leave_all()
{
    while (!joined_.empty())
        leave(joined_.begin()->first);
}

void CachedRetrieve::no_longer_coming(std::size_t at)
{
    const auto joined = joined_.find(entries_[at].fetch);
    if (joined != joined_.end() && --joined->second.expected == 0)
        leave(joined->first);
}

void CachedRetrieve::try_again(std::size_t at)
{
    Entry& entry = entries_[at];
    entry.state = State::open;
    to_plan_ = true;
    if (++entry.attempts == most_attempts)
        lose(at, {false, Shortfall::failed, {}, "the origin does not give what it lists"});
}

void CachedRetrieve::lose(std::size_t at, const RetrieveEnd& why)
{
    entries_[at].state = State::lost;
    if (loss_.shortfall == Shortfall::none) {
        loss_.shortfall = why.shortfall == Shortfall::none ? Shortfall::failed : why.shortfall;
        loss_.reason = why.reason;
    }
}

void CachedRetrieve::told(SharedFetch& fetch)
{
    std::vector<std::size_t> not_coming;
    for (const auto& [number, joined] : joined_) {
        if (joined.fetch.get() != &fetch)
            continue;
        for (std::size_t at = 0; at < entries_.size(); ++at)
            if (entries_[at].state == State::coming && entries_[at].fetch == number &&
                !fetch.may_bring(list_.key(at)))
                not_coming.push_back(at);
    }
    for (const std::size_t at : not_coming) {
        no_longer_coming(at);
        try_again(at);
    }
    change_->notify();
}

void CachedRetrieve::arrived(const Arrival& arrival)
{
    const auto place = places_.find(arrival.sop);
    if (place == places_.end())
        return;
    const std::size_t at = place->second;
    const State before = entries_[at].state;
    if (before != State::coming && before != State::open)
        return;
    entries_[at].state = State::queued;
    queue_.push_back({at, arrival.size, true, arrival.content});
    ++backlog_.instances;
    backlog_.bytes += arrival.size.count;
    if (before == State::coming)
        no_longer_coming(at);
    change_->notify();
}

void CachedRetrieve::passed_by(const PackedUid& sop)
{
    const auto place = places_.find(sop);
    if (place == places_.end() || entries_[place->second].state != State::coming)
        return;
    entries_[place->second].state = State::open;
    to_plan_ = true;
    no_longer_coming(place->second);
    change_->notify();
}

void CachedRetrieve::ended(SharedFetch& fetch)
{
    change_->notify();
    for (auto joined = joined_.begin(); joined != joined_.end(); ++joined) {
        if (joined->second.fetch.get() != &fetch)
            continue;
        const std::uint16_t number = joined->first;
        const RetrieveEnd end = fetch.end();
        leave(number);
        for (std::size_t at = 0; at < entries_.size(); ++at) {
            if (entries_[at].state != State::coming || entries_[at].fetch != number)
                continue;
            if (end.complete)
                try_again(at);
            else
                lose(at, end);
        }
        return;
    }
}

RetrieveEnd CachedRetrieve::end(const Result<void>& taken) const
{
    RetrieveEnd end;
    std::size_t wanted = 0;
    for (std::size_t at = 0; at < entries_.size(); ++at) {
        const State state = entries_[at].state;
        if (state == State::unwanted)
            continue;
        ++wanted;
        if (state != State::given)
            end.missing.push_back(list_.key(at).sop);
    }
    end.complete = taken && !is_stale_ && end.missing.empty();
    if (end.complete)
        return end;
    end.shortfall = loss_.shortfall == Shortfall::none ? Shortfall::failed : loss_.shortfall;
    end.reason = loss_.reason;
    if (!taken) {
        end.shortfall = Shortfall::failed;
        end.reason = taken.error().text();
    } else if (is_stale_) {
        end.shortfall = stale_.shortfall;
        end.reason = stale_.reason;
    }
    if (!end.missing.empty())
        end.reason = std::to_string(end.missing.size()) + " of " + std::to_string(wanted) +
                     " instances missing" + (end.reason.empty() ? "" : ": " + end.reason);
    return end;
}

} // namespace gantry::cache
