// The files of the archive: names, links and flushes. Blocking; any thread, several at once.
#pragma once

#include "gateway/custody/file.h"
#include "gateway/origins/archive/archive.h"

#include <atomic>
#include <set>
#include <string>

namespace gantry::archive {

class ArchiveFiles {
public:
    /// A file that is being received.
    struct Incoming {
        std::string name; // below incoming/
        custody::Fd file;
    };

    /// Folders that must be flushed before what was linked is durable.
    using Folders = std::set<std::string>;

    /// Creates the folder where needed and locks it. Errors: in_use, disk.
    static Result<std::unique_ptr<ArchiveFiles>> open(const ArchiveOptions& options);

    /// For tests: fails where the observer says so.
    Result<void> before(Step step) const;

    Result<Incoming> create();
    void discard(const std::string& incoming) const noexcept;
    /// Data and size of all of them are durable when it returns. A failure is final.
    Result<void> flush(std::span<const custody::Fd* const> files) const;

    /// "ab/cd/<SOP Instance UID>.dcm"
    static std::string name_of(const Uid& study, const Uid& sop_instance);
    std::filesystem::path path_of(const Uid& study, const Uid& sop_instance) const;
    std::filesystem::path incoming_path(const std::string& incoming) const;

    /// Gives it its final name. One of that name that is not indexed is a leftover: replaced.
    Result<void> link(const std::string& incoming, const InstanceKey& key, Folders& touched) const;
    void unlink(const InstanceKey& key) const noexcept;
    Result<void> flush(const Folders& folders) const;
    /// It is there, and as long as it was when it was stored.
    bool whole(const StoredFile& file) const;

    Bytes free_space() const;

    const std::filesystem::path& root() const noexcept { return root_; }

private:
    ArchiveFiles(const ArchiveOptions& options, custody::Fd root, custody::Fd incoming);
    Result<void> make_folder(const std::string& name, const char* parent, Folders& touched) const;

    std::filesystem::path root_;
    StepObserver before_;
    custody::Fd root_fd_;
    custody::Fd incoming_;
    custody::Fd lock_;
    bool flush_all_at_once_;
    std::atomic<std::uint64_t> next_{0};
};

} // namespace gantry::archive
