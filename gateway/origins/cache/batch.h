// Some files of the cache, opened and read on one thread at once: what a retrieve gives next, while
// something else is being sent.
#pragma once

#include "gateway/origins/cache/cache_store.h"
#include "gateway/origins/memory_budget.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace gantry::cache {

/// What is no larger is read into memory as a whole, where there is some left.
inline constexpr Bytes largest_in_memory{1U << 20U};

struct WantedFile {
    SeriesFolder folder;
    PackedUid sop;
};

/// A data set in memory.
struct Block {
    std::unique_ptr<std::byte[]> bytes;
    MemoryBudget::Share share;
};

struct LoadedFile {
    CachedFile file;
    std::shared_ptr<Block> block; // null: only opened
};

/// Blocks. One for each, in order. What is damaged is deleted, and not found.
std::vector<Result<LoadedFile>>
load(CacheStore& store, std::span<const WantedFile> wanted, MemoryBudget& memory);

} // namespace gantry::cache
