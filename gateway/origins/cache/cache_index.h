// Which files the cache has, by series, and which of them were used longest ago. Memory only; not
// for two threads at once.
#pragma once

#include "gateway/origins/cache/file_note.h"

#include <cstddef>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace gantry::cache {

/// The folder of a series below the cache's own: "<origin>/<study>/<series>".
using SeriesFolder = std::string;

struct IndexedFile {
    FileName name;
    bool suspect = false; // the machine went down since: to be read whole before it is trusted
};

/// A file that the index has given up: to be deleted.
struct GivenUp {
    SeriesFolder folder;
    FileName name;
};

class CacheIndex {
public:
    /// Files of the same instance that were there before are given up: one, or none.
    std::optional<GivenUp> put(const SeriesFolder& folder, IndexedFile file);
    const IndexedFile* find(const SeriesFolder& folder, const PackedUid& sop) const;
    void trust(const SeriesFolder& folder, const FileName& name);
    /// Only this very file. False: it is not, or no longer, here.
    bool remove(const SeriesFolder& folder, const FileName& name);
    /// Of a folder and what is below it; '/' at the end of a study's.
    bool any_below(const std::string& prefix) const;

    /// It is in use now.
    void touch(const SeriesFolder& folder);
    /// What is pinned is not chosen by evict().
    void pin(const SeriesFolder& folder);
    void unpin(const SeriesFolder& folder);

    /// Gives up the least recently used, at least so much, or nothing where there is not so much.
    std::vector<GivenUp> evict(Bytes at_least);
    /// Gives up all fetched before `oldest` or after `newest`, which is not pinned.
    std::vector<GivenUp> expire(WallTime oldest, WallTime newest);

    Bytes size() const noexcept { return {size_}; }

    std::size_t files() const noexcept { return files_; }

private:
    struct Series {
        std::vector<IndexedFile> files; // by SOP Instance UID
        std::list<SeriesFolder>::iterator used;
        unsigned pins = 0;
    };

    using ByFolder = std::unordered_map<SeriesFolder, Series>;

    Series& at(const SeriesFolder& folder);
    void forget_if_empty(ByFolder::iterator series);
    void count_out(const FileName& name);

    ByFolder series_;
    std::unordered_map<std::string, std::size_t> studies_; // "<origin>/<study>/": files
    std::list<SeriesFolder> used_;                         // longest ago first
    std::uint64_t size_ = 0;
    std::size_t files_ = 0;
};

} // namespace gantry::cache
