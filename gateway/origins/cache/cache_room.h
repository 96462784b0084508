// What all parts of one cached origin share. Loop.
#pragma once

#include "gateway/loop/task_group.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origins/cache/block_stock.h"
#include "gateway/origins/cache/cache_store.h"
#include "gateway/origins/cache/known_lists.h"

#include <memory>
#include <string>
#include <vector>

namespace gantry::cache {

class SharedFetch;

struct CacheRoom {
    Origin& behind;
    std::shared_ptr<CacheStore> store;
    std::shared_ptr<BlockStock> memory; // read ahead
    WorkerPool& disk;
    TaskGroup& tasks;
    const Clock& clock;
    KnownLists lists = KnownLists();
    std::vector<std::shared_ptr<SharedFetch>> fetches = {}; // that can be joined

    SeriesFolder folder(const InstanceList::Series& series) const
    {
        return CacheStore::series_folder(behind.name(), series.study, series.series);
    }
};

} // namespace gantry::cache
