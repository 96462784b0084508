// One instance of the archive, read from its file with its digest checked: on a worker for the
// loop, or by a thread that may block. Whoever reads owns it.
#pragma once

#include "gateway/custody/digest.h"
#include "gateway/custody/file.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"
#include "gateway/origins/archive/catalogue.h"

#include <filesystem>
#include <vector>

namespace gantry::archive {

/// The data set of one file, in order. Blocking; one thread at a time. The file is opened at the
/// first read.
class StoredReader {
public:
    StoredReader(StoredFile file, std::filesystem::path path);

    const StoredFile& file() const noexcept { return file_; }

    /// Fills `into` as far as the data set goes; 0 at its end. The read that reaches the end fails
    /// (damaged) where the bytes are not those that were stored, any read where the file is short.
    Result<std::size_t> read(std::span<std::byte> into);
    void rewind();

private:
    Result<void> open();

    StoredFile file_;
    std::filesystem::path path_;
    custody::Fd fd_;
    custody::DigestStream digest_;
    std::uint64_t done_ = 0;
};

/// A file, from its beginning to the end of its data set.
struct Span {
    std::filesystem::path path;
    Bytes length;
};

/// Has the kernel read the first 4 MiB of what will be wanted soon. Blocks as long as opening it
/// does; what goes wrong will show when it is read.
void read_ahead(const Span& file);

class StoredContent final : public InstanceContent {
public:
    /// What is no longer is checked whole before source() gives a byte of it; of larger ones the
    /// last piece tells.
    static constexpr Bytes checked_whole{2ULL << 20U};

    /// `disk` outlives it.
    StoredContent(WorkerPool& disk, StoredFile file, std::filesystem::path path);

    const InstanceKey& key() const override { return reader_.file().key; }

    AeTitle source_ae() const override { return reader_.file().source; }

    Bytes length() const override { return reader_.file().length; }

    asio::awaitable<Result<ConstBytes>> read() override;

    void rewind() override { reader_.rewind(); }

    std::unique_ptr<ByteSource> source() const override;

    std::shared_ptr<const RandomAccess> random_access() const override;

private:
    WorkerPool& disk_;
    std::filesystem::path path_;
    StoredReader reader_;
    std::vector<std::byte> buffer_;
};

} // namespace gantry::archive
