// What fetching from one web origin needs, shared by all retrieves of it.
#pragma once

#include "gateway/loop/worker_pool.h"
#include "gateway/origins/fetch_permits.h"
#include "gateway/origins/memory_budget.h"
#include "gateway/origins/origin_profile.h"
#include "mapping/vocabulary/bytes.h"
#include "web/client.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace gantry {

struct WebRetrieveOptions {
    std::size_t requests = 3;     // at once, over all retrieves of the origin
    Bytes in_memory{1ULL << 20U}; // a larger instance goes through a scratch file
    Bytes window{8ULL << 20U};    // of instances that are read ahead, for each retrieve
    /// How long an answer is held up by a slow asker before others, who wait, get its turn.
    std::chrono::milliseconds patience{1'000};
    unsigned attempts = 4; // for what may succeed later
    std::chrono::milliseconds min_backoff{500};
    std::chrono::milliseconds max_backoff{8'000};
    std::chrono::seconds longest_wait{30}; // however long a Retry-After
    /// Shared with whoever else fetches; null: one of its own.
    std::shared_ptr<MemoryBudget> memory;
};

/// The references outlive every retrieve.
struct WadoRoom {
    std::string origin; // its name, for the log
    web::Client& client;
    WorkerPool& disk;
    std::filesystem::path scratch;
    WebRetrieveOptions options;
    std::shared_ptr<MemoryBudget> memory;
    FetchPermits permits;
    OriginProfile::Retrieve profile = {};
};

} // namespace gantry
