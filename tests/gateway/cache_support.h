// What the tests of the cache share: takers that read at a pace, and a house with a loop, a pool
// and a clock of its own, in front of an archive that does as it is told.
#pragma once

#include "gateway/loop/task_group.h"
#include "gateway/origins/cache/cache_store.h"
#include "gateway/origins/cached_origin.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/gateway/far_origin.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_folder.h"

namespace gantry::tests {

/// Keeps what it is given.
class Taker final : public RetrieveSink {
public:
    enum class By : std::uint8_t { read, source, random_access };

    explicit Taker(asio::any_io_executor loop) : changed_(std::move(loop)) {}

    By by = By::read;
    std::size_t allowed = SIZE_MAX; // further ones wait
    std::optional<std::size_t> refuses_after;
    bool prepares = false; // expect() does not end before ready()
    bool whole = true;
    std::size_t opened = 0;         // instances that were not read into memory
    std::set<std::string> unwanted; // classes
    std::vector<InstanceKey> expected;
    unsigned told = 0;                      // expect() was called
    std::map<std::string, std::string> got; // by UID
    std::vector<std::string> order;         // of UIDs
    std::vector<std::string> failed;        // whose bytes could not be read
    std::optional<RetrieveEnd> end;
    WorkerPool* disk = nullptr;

    void allow(std::size_t instances);
    void ready();

    bool reads_whole() const override { return whole; }

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) override;
    std::optional<std::vector<Uid>> acceptable(const Uid& sop_class) const override;
    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override;

private:
    Change changed_;
};

class CacheHouse {
public:
    explicit CacheHouse(std::function<void(CacheOptions&)> change = {});
    ~CacheHouse();
    CacheHouse(const CacheHouse&) = delete;
    CacheHouse& operator=(const CacheHouse&) = delete;

    /// Runs the loop until then; throws where that takes too long.
    void run_until(const std::function<bool()>& done);
    /// Until nobody has anything to do.
    void settle();

    /// From beginning to end.
    Taker& retrieve(RetrieveQuestion question);
    /// Begins it; until it is ended or cancelled.
    Taker& start(RetrieveQuestion question, std::function<void(Taker&)> change = {});
    void cancel(Taker& taker);
    /// Through the cache.
    void store(const FarInstance& instance);

    bool complete(const Taker& taker) const { return taker.end && taker.end->complete; }

    /// Everything is as the origin has it, bit for bit, and nothing else.
    bool exact(const Taker& taker, const std::vector<std::string>& instances) const;

    /// As after a restart.
    void reopen();
    std::vector<std::filesystem::path> files() const;

    asio::io_context loop;
    ManualClock clock;
    ScratchFolder folder = ScratchFolder::in_memory();
    CacheOptions options;
    std::unique_ptr<WorkerPool> disk;
    std::unique_ptr<TaskGroup> tasks;
    FarOrigin far{loop.get_executor()};
    std::unique_ptr<InstanceCache> cache;
    std::unique_ptr<CachedOrigin> origin;

private:
    struct Running;

    void open();
    void close();

    std::vector<std::unique_ptr<Running>> running_;
};

} // namespace gantry::tests
