// A spooled instance as an origin reads it: chunk by chunk, one chunk ahead on the disk pool.
// Runs on the loop; holds two chunks while it is read, nothing before and after.
#pragma once

#include "gateway/custody/spool.h"
#include "gateway/loop/task_group.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace gantry::custody {

/// Where contents read from, and the group that their reading ahead runs in. All of it outlives
/// them.
struct ReadingRoom {
    Spool& spool;
    WorkerPool& disk;
    TaskGroup& tasks;
};

class SpoolContent final : public InstanceContent {
public:
    static constexpr std::size_t chunk_size = 256U << 10U;

    /// `begun` (may be null) becomes true at the first read: whoever gave the content away can tell
    /// that something may have left the house.
    SpoolContent(const ReadingRoom& room, StoredInstance instance, std::shared_ptr<bool> begun);
    ~SpoolContent() override;
    SpoolContent(const SpoolContent&) = delete;
    SpoolContent& operator=(const SpoolContent&) = delete;

    const InstanceKey& key() const override { return instance_.envelope.key; }

    AeTitle source_ae() const override;

    Bytes length() const override { return instance_.envelope.length; }

    /// Fails with damaged (the last chunk is then not given), not_found or disk.
    asio::awaitable<Result<ConstBytes>> read() override;
    void rewind() override;
    /// The spool must outlive it. What is no longer than 2 MiB is checked whole before the first
    /// byte.
    std::unique_ptr<ByteSource> source() const override;

private:
    struct Reading;
    struct Ahead;

    asio::awaitable<Result<std::size_t>> fill();
    void read_ahead(const asio::any_io_executor& loop);
    static asio::awaitable<void> run_ahead(std::shared_ptr<Ahead> ahead, WorkerPool& disk);

    ReadingRoom room_;
    StoredInstance instance_;
    std::shared_ptr<bool> begun_;
    std::uint64_t given_ = 0;
    std::shared_ptr<Reading> reading_;
    std::shared_ptr<Ahead> ahead_;
};

} // namespace gantry::custody
