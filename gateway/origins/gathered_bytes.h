// Bytes on their way in: small ones gather in memory, within one budget; larger ones, and those for
// which there is no memory left, in a scratch file. One thread at a time; says which of its
// functions touch the disk.
#pragma once

#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"
#include "gateway/origins/memory_budget.h"
#include "gateway/origins/scratch_file.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace gantry {

class GatheredBytes {
public:
    struct Memory {
        std::shared_ptr<MemoryBudget> budget;
        Bytes most; // that one may take
    };

    /// `stated`: how much it will be, where that is known. `guess`: else.
    GatheredBytes(Memory memory, std::optional<Bytes> stated, Bytes guess);

    /// Whether `more` can be kept. False: spill() first, where they lie in memory, then append().
    bool fits(std::size_t more) const noexcept;
    /// Takes no more memory than there is a share of, where it fits; more where it must.
    void keep(ConstBytes bytes);

    /// Blocks. What has come so far moves to a file in `folder`. Fails with disk.
    Result<void> spill(const std::filesystem::path& folder);
    /// Blocks. To the file.
    Result<void> append(ConstBytes bytes);

    bool in_file() const noexcept { return file_ != nullptr; }

    /// What has been kept; empty once it lies in a file.
    ConstBytes kept() const noexcept;

    /// All has come: the rest of the share is given back.
    void settle() noexcept;

    /// What counts as being held, also where it lies on the disk.
    Bytes weight() const noexcept;

    /// What stands before `data_set` (an offset) is not of the data set. One use.
    std::unique_ptr<InstanceContent>
    content(InstanceKey key, AeTitle source, std::uint64_t data_set, WorkerPool& disk);

private:
    struct Block {
        std::vector<std::byte> bytes;
        MemoryBudget::Share share;
    };

    std::uint64_t limit_; // of what may stay in memory
    Bytes most_;
    std::shared_ptr<Block> block_ = std::make_shared<Block>();
    std::shared_ptr<ScratchFile> file_;
};

} // namespace gantry
