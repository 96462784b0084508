// Keeps what a far origin gave on our own disk, so that what a viewer opens is fetched once: a
// series, then its metadata, frames and images. Questions go through; only instances are kept.
// Runs on the loop; the disk is touched on the pool given. The cache holds nothing that is not
// elsewhere: it may be deleted at any time, and is bounded by size and age, least recently used
// first.
#pragma once

#include "gateway/loop/clock.h"
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

    Bytes size() const; // of what is kept now

    struct State;

    State& state() noexcept { return *state_; }

private:
    explicit InstanceCache(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

class CachedOrigin final : public Origin {
public:
    /// Both outlive it.
    CachedOrigin(Origin& behind, InstanceCache& cache);
    ~CachedOrigin() override;
    CachedOrigin(const CachedOrigin&) = delete;
    CachedOrigin& operator=(const CachedOrigin&) = delete;

    const std::string& name() const override; // of the origin behind, as all below
    Abilities abilities() const override;
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
