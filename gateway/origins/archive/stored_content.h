// One instance of the archive, read from its file on a worker, with its digest checked at the end.
// Runs on the loop; the coroutine that reads owns it.
#pragma once

#include "gateway/custody/digest.h"
#include "gateway/custody/file.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"
#include "gateway/origins/archive/catalogue.h"

#include <filesystem>
#include <vector>

namespace gantry::archive {

class StoredContent final : public InstanceContent {
public:
    /// `disk` outlives it. The file is opened at the first read.
    StoredContent(WorkerPool& disk, StoredFile file, std::filesystem::path path);

    const InstanceKey& key() const override { return file_.key; }

    AeTitle source_ae() const override { return file_.source; }

    Bytes length() const override { return file_.length; }

    asio::awaitable<Result<ConstBytes>> read() override;
    void rewind() override;

private:
    Result<std::size_t> read_some();
    Result<void> open();

    WorkerPool& disk_;
    StoredFile file_;
    std::filesystem::path path_;
    custody::Fd fd_;
    custody::DigestStream digest_;
    std::vector<std::byte> buffer_;
    std::uint64_t done_ = 0;
};

} // namespace gantry::archive
