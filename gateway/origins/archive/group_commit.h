// Makes sealed files durable and known, for all who wait for it at once: whoever comes first does
// it for those who have come meanwhile. Blocking; any thread, several at once.
#pragma once

#include "gateway/origins/archive/file_writer.h"

#include <condition_variable>
#include <mutex>
#include <span>
#include <vector>

namespace gantry::archive {

class GroupCommit {
public:
    GroupCommit(ArchiveFiles& files, Index& index) : files_(files), index_(index) {}

    /// One outcome for each, in order.
    std::vector<StoreOutcome> commit(std::span<const FileWriter* const> writers);

private:
    struct Waiting {
        std::span<const FileWriter* const> writers;
        std::vector<StoreOutcome> outcomes;
        bool done = false;
    };

    struct Entry;
    void run(std::span<Waiting* const> waiting);
    void flush(std::span<Entry> entries);
    void decide(std::span<Entry> entries);
    void name(std::span<Entry> entries);
    void record(std::span<Entry> entries);

    ArchiveFiles& files_;
    Index& index_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Waiting*> waiting_;
    bool running_ = false;
};

} // namespace gantry::archive
