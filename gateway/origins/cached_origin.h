// Keeps what a far origin gave on our own disk, so that what a viewer opens is fetched once: a
// series, then its metadata, frames and images. Questions go through; only instances are kept.
// Runs on the loop; the disk is touched on the pool given. The cache holds nothing that is not
// elsewhere: it may be deleted at any time, and is bounded by size and age, least recently used
// first.
//
// How fresh it is: what a study or series holds is asked of the origin whenever that was last asked
// more than `list_age` ago; an instance that is here, and not older than `max_age`, is given
// without a question where it is asked for by its study, series and instance UID. Where the origin
// does not answer, what is here is still given, but never said to be complete.
//
// Its files are a store of their own (cache/cache_store.h), not an archive (archive/archive.h):
// what a database, a look into each data set and flushes gain there is of no use to what may be
// lost and is asked for by name only. The names of the files are the index. It is read at the
// start, folders only (200,000 files in a second), and takes some 75 bytes of memory for each.
#pragma once

#include "gateway/loop/clock.h"
#include "gateway/loop/task_group.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"

#include <chrono>
#include <filesystem>
#include <memory>

namespace gantry {

struct CacheOptions {
    std::filesystem::path folder; // state_dir/cache
    Bytes max_size{20ULL << 30U}; // of all files
    Bytes min_free{2ULL << 30U};  // of the file system: below, nothing is kept
    std::chrono::seconds max_age{std::chrono::hours{24}}; // since it was fetched
    /// How long what the origin has of a study or series is not asked again: studies grow.
    std::chrono::milliseconds list_age{10'000};
    /// How far a fetch runs ahead of the fastest of those who wait for it.
    std::size_t ahead_instances = 64;
    Bytes ahead_bytes{64ULL << 20U};
    Bytes in_memory{16ULL << 20U}; // read ahead of all who are given something, together
};

/// Since the start.
struct CacheCounters {
    std::uint64_t hits = 0; // instances given that were here
    std::uint64_t hit_bytes = 0;
    std::uint64_t misses = 0; // instances given that had to be fetched
    std::uint64_t miss_bytes = 0;
    std::uint64_t kept = 0; // files written
    std::uint64_t kept_bytes = 0;
    std::uint64_t not_kept = 0; // too large, or no room
    std::uint64_t evicted = 0;  // to make room
    std::uint64_t evicted_bytes = 0;
    std::uint64_t expired = 0; // older than max_age
    std::uint64_t damaged = 0; // found to be so, and fetched again
};

/// The files of all cached origins. Opened once.
class InstanceCache {
public:
    /// Blocking; before the loop runs. What cannot be used again is deleted. Errors: in_use, disk.
    static Result<std::unique_ptr<InstanceCache>>
    open(CacheOptions options, WorkerPool& disk, const Clock& clock);
    ~InstanceCache();
    InstanceCache(const InstanceCache&) = delete;
    InstanceCache& operator=(const InstanceCache&) = delete;

    Bytes size() const;            // of what is kept now
    std::size_t instances() const; // that are kept now
    CacheCounters counters() const;

    /// Deletes what has become too old, once a minute, until it is cancelled: what nobody asks for
    /// goes as well.
    asio::awaitable<void> upkeep();

    struct State;

    State& state() noexcept { return *state_; }

private:
    explicit InstanceCache(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

class CachedOrigin final : public Origin {
public:
    /// All outlive it. Fetches run in `tasks`, which is drained before this is destroyed.
    CachedOrigin(Origin& behind, InstanceCache& cache, TaskGroup& tasks);
    ~CachedOrigin() override;
    CachedOrigin(const CachedOrigin&) = delete;
    CachedOrigin& operator=(const CachedOrigin&) = delete;

    const std::string& name() const override; // of the origin behind, as all below
    Abilities abilities() const override;
    /// What was here of these studies is not trusted afterwards.
    asio::awaitable<std::vector<StoreOutcome>>
    store(std::vector<std::unique_ptr<InstanceContent>> batch) override;
    asio::awaitable<FindEnd> find(FindQuestion question, FindSink& matches) override;
    /// What is here and not too old comes from here, the rest is fetched: exactly what was asked
    /// for, once for all who ask for it meanwhile, and only as long as one of them is still there.
    /// Each instance is given as soon as it has come, whoever is slow. As stored at the origin.
    asio::awaitable<RetrieveEnd> retrieve(RetrieveQuestion question, RetrieveSink& sink) override;
    asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey> instances) override;
    asio::awaitable<Health> health() override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry
