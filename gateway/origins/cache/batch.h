// Some files of the cache, opened and read on one thread at once: what a retrieve gives next, while
// something else is being sent.
#pragma once

#include "gateway/origins/cache/block_stock.h"
#include "gateway/origins/cache/cache_store.h"

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

struct LoadedFile {
    CachedFile file;
    std::shared_ptr<BlockStock::Block> block; // null: only opened
};

/// Blocks. One for each, in order. What is damaged is deleted, and not found. Without `memory` all
/// are only opened.
std::vector<Result<LoadedFile>>
load(CacheStore& store, std::span<const WantedFile> wanted, BlockStock* memory);

} // namespace gantry::cache
