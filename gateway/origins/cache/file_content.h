// An instance that lies in a file of the cache and is too large for memory, or there is none left.
// Runs on the loop; reads on the disk pool, one piece ahead. The file is open already: nothing that
// happens to its name disturbs the reading.
#pragma once

#include "gateway/custody/digest.h"
#include "gateway/loop/task_group.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origins/cache/cache_store.h"

#include <memory>

namespace gantry::cache {

/// The data set of one file, in order. Blocking; one thread at a time. What turns out to be damaged
/// is deleted.
class FileReader {
public:
    FileReader(std::shared_ptr<CacheStore> store, SeriesFolder folder, CachedFile file);

    const FileNote& note() const noexcept { return file_.note; }

    std::uint64_t left() const noexcept { return note().length.count - done_; }

    /// As far as `into` and the data set go, 0 at the end. The read that reaches the end fails
    /// (damaged) where the digest differs.
    Result<std::size_t> read(std::span<std::byte> into);

private:
    std::shared_ptr<CacheStore> store_;
    SeriesFolder folder_;
    CachedFile file_;
    custody::DigestStream digest_;
    std::uint64_t done_ = 0;
};

class FileContent final : public InstanceContent {
public:
    /// All of it outlives the content and what it reads ahead.
    struct Ground {
        std::shared_ptr<CacheStore> store;
        WorkerPool& disk;
        TaskGroup& tasks;
    };

    FileContent(Ground ground, SeriesFolder folder, CachedFile file);
    ~FileContent() override;
    FileContent(const FileContent&) = delete;
    FileContent& operator=(const FileContent&) = delete;

    const InstanceKey& key() const override { return file_.note.key; }

    AeTitle source_ae() const override { return file_.note.source; }

    Bytes length() const override { return file_.note.length; }

    asio::awaitable<Result<ConstBytes>> read() override;
    void rewind() override;
    std::unique_ptr<ByteSource> source() const override;
    std::shared_ptr<const RandomAccess> random_access() const override;

private:
    struct Piece;

    void read_ahead(const asio::any_io_executor& loop);
    static asio::awaitable<void> fill(std::shared_ptr<Piece> piece, WorkerPool& disk);

    Ground ground_;
    SeriesFolder folder_;
    CachedFile file_;
    std::shared_ptr<FileReader> reader_;
    std::shared_ptr<Piece> given_;
    std::shared_ptr<Piece> next_;
};

} // namespace gantry::cache
