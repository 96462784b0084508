#include "gateway/origins/archive/archive_files.h"

#include "gateway/custody/digest.h"
#include "gateway/error.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace gantry::archive {

using custody::disk_error;
using custody::Fd;
using custody::open_at;

namespace {

constexpr const char* incoming_name = "incoming";
constexpr long xfs_magic = 0x58465342;
constexpr std::size_t flush_one_by_one = 3; // up to so many files

/// These file systems write names and files to one journal, in order: a file's fsync() takes with
/// it all names that it was given before. And syncfs() flushes all with one request, and reports
/// what failed (since Linux 5.8). Stacked and network file systems differ in both.
bool journals_names(const Fd& folder)
{
    struct statfs status{};
    if (::fstatfs(folder.get(), &status) != 0)
        return false;
    const auto type = static_cast<long>(status.f_type);
    return type == EXT4_SUPER_MAGIC || type == xfs_magic || type == BTRFS_SUPER_MAGIC;
}

Result<Fd> locked(const Fd& root)
{
    auto lock = open_at(root, "lock", O_RDWR | O_CREAT);
    if (lock && ::flock(lock->get(), LOCK_EX | LOCK_NB) != 0)
        return error(Errc::in_use, "archive");
    return lock;
}

} // namespace

ArchiveFiles::ArchiveFiles(const ArchiveOptions& options, Fd root, Fd incoming)
    : root_(options.folder),
      before_(options.before),
      root_fd_(std::move(root)),
      incoming_(std::move(incoming)),
      journals_names_(journals_names(incoming_))
{
}

Result<std::unique_ptr<ArchiveFiles>> ArchiveFiles::open(const ArchiveOptions& options)
{
    std::error_code failed;
    std::filesystem::create_directories(options.folder, failed);
    if (failed)
        return disk_error(failed.value(), "creating " + options.folder.string());
    if (::chmod(options.folder.c_str(), S_IRWXU) != 0)
        return disk_error(errno, "protecting " + options.folder.string());
    auto root = custody::open_folder(options.folder);
    if (!root)
        return root.error();
    auto lock = locked(*root);
    if (!lock)
        return lock.error();
    if (::mkdirat(root->get(), incoming_name, S_IRWXU) != 0 && errno != EEXIST)
        return disk_error(errno, "creating incoming");
    auto incoming = custody::open_folder(options.folder / incoming_name);
    if (!incoming)
        return incoming.error();
    if (const auto flushed = custody::sync_folder(*root); !flushed)
        return flushed.error();
    std::unique_ptr<ArchiveFiles> files(
        new ArchiveFiles(options, std::move(*root), std::move(*incoming))
    );
    files->lock_ = std::move(*lock);
    return files;
}

Result<void> ArchiveFiles::before(Step step) const
{
    if (!before_)
        return {};
    if (const std::error_code failed = before_(step))
        return disk_error(failed.value(), "archive");
    return {};
}

Result<ArchiveFiles::Incoming> ArchiveFiles::create()
{
    if (const auto allowed = before(Step::create); !allowed)
        return allowed.error();
    std::string name = std::to_string(next_++);
    auto file = open_at(incoming_, name, O_RDWR | O_CREAT | O_EXCL);
    if (!file)
        return file.error();
    return Incoming{std::move(name), std::move(*file)};
}

void ArchiveFiles::discard(const std::string& incoming) const noexcept
{
    ::unlinkat(incoming_.get(), incoming.c_str(), 0);
}

Result<void> ArchiveFiles::flush(std::span<const Fd* const> files, const Touched& touched) const
{
    if (const auto allowed = before(Step::flush); !allowed)
        return allowed.error();
    if (journals_names_ && files.size() > flush_one_by_one) {
        if (::syncfs(incoming_.get()) != 0)
            return disk_error(errno, "flushing");
    } else {
        for (const Fd* file : files)
            if (::fsync(file->get()) != 0)
                return disk_error(errno, "flushing");
    }
    Folders folders = touched.made;
    if (!journals_names_) {
        folders.insert(touched.linked.begin(), touched.linked.end());
        folders.insert(incoming_name);
    }
    return folders.empty() ? Result<void>{} : flush(folders);
}

std::string ArchiveFiles::name_of(const Uid& study, const Uid& sop_instance)
{
    const std::uint64_t hash = custody::checksum(std::as_bytes(std::span(study.str())));
    char folders[8];
    const auto high = static_cast<unsigned>(hash >> 56U);
    const auto low = static_cast<unsigned>((hash >> 48U) & 0xffU);
    (void)std::snprintf(folders, sizeof folders, "%02x/%02x/", high, low);
    return folders + sop_instance.str() + ".dcm";
}

std::filesystem::path ArchiveFiles::path_of(const Uid& study, const Uid& sop_instance) const
{
    return root_ / name_of(study, sop_instance);
}

std::filesystem::path ArchiveFiles::incoming_path(const std::string& incoming) const
{
    return root_ / incoming_name / incoming;
}

Result<void>
ArchiveFiles::make_folder(const std::string& name, const char* parent, Touched& touched) const
{
    if (::mkdirat(root_fd_.get(), name.c_str(), S_IRWXU) == 0) {
        touched.made.insert({name, parent});
        return {};
    }
    return errno == EEXIST ? Result<void>{} : disk_error(errno, "creating a folder");
}

Result<void>
ArchiveFiles::link(const std::string& incoming, const InstanceKey& key, Touched& touched) const
{
    if (const auto allowed = before(Step::link); !allowed)
        return allowed.error();
    const std::string name = name_of(key.study, key.sop.sop_instance);
    const std::string outer = name.substr(0, 2);
    const std::string inner = name.substr(0, 5);
    const auto give_name = [&] {
        return ::linkat(incoming_.get(), incoming.c_str(), root_fd_.get(), name.c_str(), 0) == 0;
    };
    touched.linked.insert(inner);
    if (give_name())
        return {};
    if (errno == ENOENT) {
        if (const auto made = make_folder(outer, ".", touched); !made)
            return made.error();
        if (const auto made = make_folder(inner, outer.c_str(), touched); !made)
            return made.error();
    } else if (errno == EEXIST) {
        ::unlinkat(root_fd_.get(), name.c_str(), 0);
    } else {
        return disk_error(errno, "naming a file");
    }
    if (!give_name())
        return disk_error(errno, "naming a file");
    return {};
}

void ArchiveFiles::unlink(const InstanceKey& key) const noexcept
{
    const std::string name = name_of(key.study, key.sop.sop_instance);
    ::unlinkat(root_fd_.get(), name.c_str(), 0);
}

Result<void> ArchiveFiles::flush(const Folders& folders) const
{
    if (const auto allowed = before(Step::flush_folder); !allowed)
        return allowed.error();
    for (const std::string& name : folders) {
        const auto folder = open_at(root_fd_, name, O_RDONLY | O_DIRECTORY);
        if (!folder)
            return folder.error();
        if (const auto flushed = custody::sync_folder(*folder); !flushed)
            return flushed.error();
    }
    return {};
}

bool ArchiveFiles::whole(const StoredFile& file) const
{
    const std::string name = name_of(file.key.study, file.key.sop.sop_instance);
    struct stat status{};
    if (::fstatat(root_fd_.get(), name.c_str(), &status, 0) != 0)
        return false;
    return static_cast<std::uint64_t>(status.st_size) == file.offset + file.length.count;
}

Bytes ArchiveFiles::free_space() const
{
    struct statvfs status{};
    if (::fstatvfs(root_fd_.get(), &status) != 0)
        return {};
    return {static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize};
}

} // namespace gantry::archive
