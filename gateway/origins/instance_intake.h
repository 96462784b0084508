// One DICOM file on its way in (PS3.10 7.1): small ones gather in memory, larger ones, and those
// for which there is no memory left, in a scratch file. Loop; the disk is touched on the pool.
// Never gives away what is not whole.
#pragma once

#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"
#include "gateway/origins/gathered_bytes.h"
#include "mapping/data_set_scanner.h"
#include "mapping/file_meta.h"

#include <filesystem>
#include <memory>
#include <optional>

namespace gantry {

class InstanceIntake {
public:
    /// The references outlive it.
    struct Ground {
        WorkerPool& disk;
        const std::filesystem::path& scratch;
        const std::shared_ptr<MemoryBudget>& memory;
        Bytes in_memory; // the most that one may take
    };

    /// `stated`: how long it will be, where that is known. `guess`: else.
    InstanceIntake(const Ground& ground, std::optional<Bytes> stated, Bytes guess);

    /// The next bytes of the file. Errors: what the head is refused for (mapping), disk.
    asio::awaitable<Result<void>> add(ConstBytes bytes);

    /// What the head says, as soon as it has come; else null.
    const mapping::FileHead* head() const noexcept { return head_ ? &head_->head : nullptr; }

    /// Nothing follows. Errors: no head; the data set ends within an element; it has another length
    /// than stated (damaged); disk.
    asio::awaitable<Result<void>> finish();

    /// After finish(): as the data set says, else the head; empty where neither does.
    const SopReference& sop() const noexcept { return sop_; }

    /// After finish(): where the data set says that it belongs; empty where it cannot be read.
    const Uid& study() const noexcept { return study_; }

    const Uid& series() const noexcept { return series_; }

    Bytes size() const noexcept { return {size_}; } // of the file

    /// What counts as being held, also where it lies on the disk.
    Bytes weight() const noexcept;

    /// After finish(). `place`: study and series, and the class where nothing says it. `stated`:
    /// the transfer syntax where the head does not say it.
    std::unique_ptr<InstanceContent> content(InstanceKey place, const Uid& stated);

private:
    asio::awaitable<Result<void>> spill();
    asio::awaitable<Result<void>> append(ConstBytes bytes);
    Result<void> look_for_head();
    void scan(ConstBytes bytes);
    Result<void> check_whole();

    Ground ground_;
    std::optional<Bytes> stated_;
    std::shared_ptr<GatheredBytes> bytes_; // the pool may outlast us
    std::optional<mapping::ReadFileHead> head_;
    std::optional<mapping::DataSetScanner> scanner_; // none: the structure is not read
    SopReference sop_;
    Uid study_;
    Uid series_;
    std::uint64_t size_ = 0;
};

} // namespace gantry
