// The files of the cache: <folder>/<origin>/<study>/<series>/<instance>-<fetched>-<size>-<boot>,
// each with a note at its end (file_note.h). Written in incoming/, and named when it is whole: a
// process that dies leaves nothing with a name that is not. Nothing is ever flushed: after the
// machine itself went down, each file of another boot is read whole once before it is trusted.
//
// Any thread. What touches the disk says so; all else is memory behind a lock that nobody holds
// while the disk works, fit for the loop.
#pragma once

#include "gateway/custody/file.h"
#include "gateway/origins/cache/cache_index.h"
#include "gateway/origins/cache/cached_file.h"
#include "gateway/origins/cached_origin.h"
#include "mapping/vocabulary/byte_source.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gantry::cache {

class CacheStore : public std::enable_shared_from_this<CacheStore> {
public:
    /// See InstanceCache::open(). Blocks.
    static Result<std::shared_ptr<CacheStore>> open(CacheOptions options, const Clock& clock);

    const CacheOptions& options() const noexcept { return options_; }

    /// "<origin>/<study>/": what any_below() takes.
    static std::string study_prefix(const std::string& origin, const Uid& study);
    static SeriesFolder
    series_folder(const std::string& origin, const Uid& study, const Uid& series);

    /// Of each whether it is here and young enough: the size of its file.
    std::optional<Bytes> look(const SeriesFolder& folder, const PackedUid& sop) const;
    std::vector<std::optional<Bytes>>
    look(const SeriesFolder& folder, std::span<const PackedUid> sops) const;
    bool any_below(const std::string& prefix) const;
    void touch(const SeriesFolder& folder);
    void pin(const SeriesFolder& folder);
    void unpin(const SeriesFolder& folder);
    Bytes size() const;
    std::size_t files() const;
    CacheCounters counters() const;
    void count_given(bool hit, Bytes size);

    /// Blocks: opens it; what is suspect is read whole. Not_found too where it is damaged: it is
    /// deleted then.
    Result<CachedFile> open_file(const SeriesFolder& folder, const PackedUid& sop);
    /// Blocks: what open_file() gave does not hold what it should: deleted.
    void give_up_damaged(const SeriesFolder& folder, const FileName& name);

    struct What {
        SeriesFolder folder;
        InstanceKey key;
        AeTitle source;
        Bytes length; // of the data set
    };

    /// Blocks: writes a data set. Errors: spool_full where there is no room for it, else why it
    /// could not be read or written; then nothing of it is left.
    Result<void> keep(const What& what, ByteSource& data_set);
    /// Blocks: gives a name to a file that has none (O_TMPFILE) and holds the data set from
    /// `offset` to its end. Unsupported where it lies on another file system, or has had a name.
    Result<void> adopt(const What& what, const std::filesystem::path& file, std::uint64_t offset);
    /// Blocks: deletes what is too old.
    void expire();
    /// Blocks: deletes it.
    void erase(const SeriesFolder& folder, const PackedUid& sop);
    /// Blocks: these were used now, as the next start will see it.
    void note_use(std::span<const SeriesFolder> folders) const;

private:
    class Room;

    struct Incoming {
        std::string name; // below incoming/
        custody::Fd file;
    };

    CacheStore(CacheOptions options, const Clock& clock, custody::Fd root, custody::Fd incoming);
    Result<void> lock_folder();
    Result<void> rebuild();
    void rebuild_series(const SeriesFolder& folder);
    bool young(const FileName& name) const;
    Result<Room> make_room(Bytes size);
    Result<void> publish(Incoming& incoming, FileNote note, const SeriesFolder& folder);
    Result<void> give_name(const std::string& incoming, const std::string& path) const;
    std::string next_name();
    void discard_incoming(const std::string& name) const noexcept;
    void discard(std::span<const GivenUp> files) const noexcept;
    bool remove(const SeriesFolder& folder, const FileName& name);

    CacheOptions options_;
    const Clock& clock_;
    custody::Fd root_;
    custody::Fd incoming_;
    custody::Fd lock_;
    std::uint32_t boot_; // 0: not known, and nothing that a former run left is trusted
    std::atomic<std::uint64_t> next_{0};
    mutable std::mutex mutex_;
    CacheIndex index_;           // with mutex_, as all below
    std::uint64_t promised_ = 0; // to what is being written
    CacheCounters counters_;
};

} // namespace gantry::cache
