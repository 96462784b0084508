// A file without a name: what is re-encoded or fetched for comparison, gone with its last user.
// ScratchFile blocks and belongs on the disk pool; ScratchContent reads one from the loop.
#pragma once

#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace gantry {

/// Written by one thread at a time; what has been written may be read by several at once.
class ScratchFile {
public:
    /// In `folder`, which exists. Has never had a name where the file system can do that, and may
    /// be given one then (linkat). Fails with disk.
    static Result<std::shared_ptr<ScratchFile>> create(const std::filesystem::path& folder);
    ~ScratchFile();
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;

    Result<void> append(ConstBytes bytes);
    /// Up to buffer.size() bytes at `offset`, 0 at the end.
    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> buffer) const;

    Bytes size() const noexcept { return {size_}; }

    /// A name by which it can be opened while it lives (/proc/self/fd).
    std::filesystem::path path() const;

private:
    explicit ScratchFile(int descriptor) : descriptor_(descriptor) {}

    int descriptor_;
    std::uint64_t size_ = 0;
};

/// A data set that lies in a scratch file, from `offset` to its end.
class ScratchContent final : public InstanceContent {
public:
    struct What {
        InstanceKey key;
        AeTitle source;
        std::uint64_t offset = 0;
    };

    ScratchContent(std::shared_ptr<ScratchFile> file, What what, WorkerPool& disk);

    const InstanceKey& key() const override { return what_.key; }

    AeTitle source_ae() const override { return what_.source; }

    const std::shared_ptr<ScratchFile>& file() const noexcept { return file_; }

    std::uint64_t offset() const noexcept { return what_.offset; } // of the data set

    Bytes length() const override { return {file_->size().count - what_.offset}; }

    asio::awaitable<Result<ConstBytes>> read() override;

    void rewind() override { given_ = 0; }

    std::unique_ptr<ByteSource> source() const override;

    std::shared_ptr<const RandomAccess> random_access() const override;

private:
    std::shared_ptr<ScratchFile> file_;
    What what_;
    WorkerPool& disk_;
    std::uint64_t given_ = 0;
    std::shared_ptr<std::vector<std::byte>> chunk_; // filled on the pool, which may outlast us
};

/// Copies what is left of `from` into `to`, chunk by chunk.
asio::awaitable<Result<void>>
spill(InstanceContent& from, std::shared_ptr<ScratchFile> to, WorkerPool& disk);

} // namespace gantry
