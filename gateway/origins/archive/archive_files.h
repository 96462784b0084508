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

    /// Names of folders below the root.
    using Folders = std::set<std::string>;

    /// Where names were put.
    struct Touched {
        Folders made;   // folders that are new, and those that they are in
        Folders linked; // folders that files were linked into
    };

    /// Creates the folder where needed and locks it. Errors: in_use, disk.
    static Result<std::unique_ptr<ArchiveFiles>> open(const ArchiveOptions& options);

    /// For tests: fails where the observer says so.
    Result<void> before(Step step) const;

    Result<Incoming> create();
    void discard(const std::string& incoming) const noexcept;
    /// The files and their names are durable when it returns. A failure is final.
    Result<void> flush(std::span<const custody::Fd* const> files, const Touched& touched) const;

    /// "ab/cd/<SOP Instance UID>.dcm"
    static std::string name_of(const Uid& study, const Uid& sop_instance);
    std::filesystem::path path_of(const Uid& study, const Uid& sop_instance) const;
    std::filesystem::path incoming_path(const std::string& incoming) const;

    /// Gives it its final name. One of that name that is not indexed is a leftover: replaced.
    Result<void> link(const std::string& incoming, const InstanceKey& key, Touched& touched) const;
    void unlink(const InstanceKey& key) const noexcept;
    /// It is there, and as long as it was when it was stored.
    bool whole(const StoredFile& file) const;

    Bytes free_space() const;

    const std::filesystem::path& root() const noexcept { return root_; }

private:
    ArchiveFiles(const ArchiveOptions& options, custody::Fd root, custody::Fd incoming);
    Result<void> make_folder(const std::string& name, const char* parent, Touched& touched) const;
    Result<void> flush(const Folders& folders) const;

    std::filesystem::path root_;
    StepObserver before_;
    custody::Fd root_fd_;
    custody::Fd incoming_;
    custody::Fd lock_;
    bool journals_names_; // see archive_files.cpp
    std::atomic<std::uint64_t> next_{0};
};

} // namespace gantry::archive
