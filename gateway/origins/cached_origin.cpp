#include "gateway/origins/cached_origin.h"

#include "gateway/origins/cache/cached_retrieve.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace gantry {

using cache::CachedRetrieve;
using cache::CacheRoom;
using cache::CacheStore;
using cache::PackedUid;

namespace {

constexpr std::chrono::minutes upkeep_every{1};
constexpr Bytes idle_memory{4ULL << 20U}; // of what is read ahead

} // namespace

struct InstanceCache::State {
    std::shared_ptr<CacheStore> store;
    WorkerPool& disk;
    const Clock& clock;
    std::shared_ptr<cache::BlockStock> memory;
};

struct CachedOrigin::State {
    CacheRoom room;
};

Result<std::unique_ptr<InstanceCache>>
InstanceCache::open(CacheOptions options, WorkerPool& disk, const Clock& clock)
{
    const Bytes in_memory = options.in_memory;
    auto store = CacheStore::open(std::move(options), clock);
    if (!store)
        return store.error();
    auto memory = std::make_shared<cache::BlockStock>(in_memory, idle_memory);
    auto state = std::make_unique<State>(State{std::move(*store), disk, clock, std::move(memory)});
    return std::unique_ptr<InstanceCache>(new InstanceCache(std::move(state)));
}

InstanceCache::InstanceCache(std::unique_ptr<State> state) : state_(std::move(state)) {}

InstanceCache::~InstanceCache() = default;

Bytes InstanceCache::size() const
{
    return state_->store->size();
}

std::size_t InstanceCache::instances() const
{
    return state_->store->files();
}

CacheCounters InstanceCache::counters() const
{
    return state_->store->counters();
}

asio::awaitable<void> InstanceCache::upkeep()
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        timer.expires_after(upkeep_every);
        (void)co_await timer.async_wait(use_tuple);
        auto work = [store = state_->store](const std::stop_token&) { store->expire(); };
        co_await offload(state_->disk, std::move(work));
    }
}

CachedOrigin::CachedOrigin(Origin& behind, InstanceCache& cache, TaskGroup& tasks)
    : state_(std::make_unique<State>(State{CacheRoom{
          behind,
          cache.state().store,
          cache.state().memory,
          cache.state().disk,
          tasks,
          cache.state().clock
      }}))
{
}

CachedOrigin::~CachedOrigin() = default;

const std::string& CachedOrigin::name() const
{
    return state_->room.behind.name();
}

Abilities CachedOrigin::abilities() const
{
    return state_->room.behind.abilities();
}

asio::awaitable<std::vector<StoreOutcome>>
CachedOrigin::store(std::vector<std::unique_ptr<InstanceContent>> batch)
{
    CacheRoom& room = state_->room;
    std::vector<InstanceKey> keys;
    for (const auto& content : batch)
        keys.push_back(content->key());
    auto outcomes = co_await room.behind.store(std::move(batch));
    std::vector<std::pair<cache::SeriesFolder, PackedUid>> files;
    for (const InstanceKey& key : keys) {
        room.lists.forget(key.study);
        files.emplace_back(room.folder({key.study, key.series}), key.sop.sop_instance);
    }
    auto work = [store = room.store, files = std::move(files)](const std::stop_token&) {
        for (const auto& [folder, sop] : files)
            store->erase(folder, sop);
    };
    co_await offload(room.disk, std::move(work));
    co_return outcomes;
}

asio::awaitable<FindEnd> CachedOrigin::find(FindQuestion question, FindSink& matches)
{
    return state_->room.behind.find(std::move(question), matches);
}

asio::awaitable<RetrieveEnd> CachedOrigin::retrieve(RetrieveQuestion question, RetrieveSink& sink)
{
    CachedRetrieve one(state_->room, sink);
    co_return co_await one.run(std::move(question));
}

asio::awaitable<Result<std::vector<bool>>> CachedOrigin::verify(std::vector<InstanceKey> instances)
{
    return state_->room.behind.verify(std::move(instances));
}

asio::awaitable<Health> CachedOrigin::health()
{
    return state_->room.behind.health();
}

} // namespace gantry
