// Makes sealed files durable and known, for all who wait for it at once: whoever comes first does
// it for those who have come meanwhile. Blocking; any thread, several at once.
#pragma once

#include "gateway/origins/archive/file_writer.h"

#include <condition_variable>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace gantry::archive {

class GroupCommit {
public:
    GroupCommit(ArchiveFiles& files, Index& index) : files_(files), index_(index) {}

    /// Flushes the index, so that nothing is left to sweep.
    ~GroupCommit();
    GroupCommit(const GroupCommit&) = delete;
    GroupCommit& operator=(const GroupCommit&) = delete;

    /// One outcome for each, in order.
    std::vector<StoreOutcome> commit(std::span<FileWriter* const> writers);

private:
    struct Waiting {
        std::span<FileWriter* const> writers;
        std::vector<StoreOutcome> outcomes;
        bool done = false;
    };

    struct Entry;
    void run(std::span<Waiting* const> waiting);
    void decide(std::span<Entry> entries);
    void name(std::span<Entry> entries, ArchiveFiles::Touched& touched);
    void flush(std::span<Entry> entries, const ArchiveFiles::Touched& touched);
    void record(std::span<Entry> entries);
    void clean();

    ArchiveFiles& files_;
    Index& index_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Waiting*> waiting_;
    bool running_ = false;
    std::vector<std::string> traces_; // names in incoming/ until the index is durable; who runs
};

} // namespace gantry::archive
