#include "gateway/custody/file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

namespace gantry::custody {

Fd::~Fd()
{
    if (fd_ >= 0)
        ::close(fd_);
}

Error disk_error(int errno_value, std::string_view what)
{
    const bool full = errno_value == ENOSPC || errno_value == EDQUOT;
    std::string detail(what);
    detail += ": ";
    detail += std::generic_category().message(errno_value);
    return error(full ? Errc::spool_full : Errc::disk, std::move(detail));
}

Result<Fd> open_at(const Fd& at, const std::string& name, int flags)
{
    const int fd = ::openat(at.get(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        const int cause = errno;
        return cause == ENOENT ? error(Errc::not_found, name)
                               : disk_error(cause, "opening " + name);
    }
    return Fd(fd);
}

Result<Fd> open_folder(const std::filesystem::path& folder)
{
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return disk_error(errno, "opening " + folder.string());
    return Fd(fd);
}

Result<void> write_at(const Fd& file, ConstBytes bytes, std::uint64_t offset)
{
    while (!bytes.empty()) {
        const ssize_t written =
            ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return disk_error(written < 0 ? errno : ENOSPC, "writing");
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        offset += static_cast<std::uint64_t>(written);
    }
    return {};
}

Result<std::size_t> read_at(const Fd& file, std::span<std::byte> buffer, std::uint64_t offset)
{
    std::size_t total = 0;
    while (total < buffer.size()) {
        const auto rest = buffer.subspan(total);
        const ssize_t got =
            ::pread(file.get(), rest.data(), rest.size(), static_cast<off_t>(offset + total));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return disk_error(errno, "reading");
        if (got == 0)
            break;
        total += static_cast<std::size_t>(got);
    }
    return total;
}

Result<std::uint64_t> size_of(const Fd& file)
{
    struct stat status{};

    if (::fstat(file.get(), &status) != 0)
        return disk_error(errno, "asking for a size");
    return static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t size_or(const Fd& file, std::uint64_t otherwise)
{
    const auto size = size_of(file);
    return size ? *size : otherwise;
}

Result<std::uint64_t> free_bytes(const Fd& folder)
{
    struct statvfs status{};

    if (::fstatvfs(folder.get(), &status) != 0)
        return disk_error(errno, "free space");
    return std::uint64_t{status.f_bavail} * status.f_frsize;
}

Result<void> sync_folder(const Fd& folder)
{
    if (::fsync(folder.get()) != 0)
        return disk_error(errno, "flushing a folder");
    return {};
}

Result<void> sync_data(const Fd& file)
{
    if (::fdatasync(file.get()) != 0)
        return disk_error(errno, "flushing");
    return {};
}

} // namespace gantry::custody
