// Descriptors and whole reads and writes, for those who talk to the disk. Any thread; blocking.
#pragma once

#include "gateway/error.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace gantry::custody {

/// Owns a file descriptor.
class Fd {
public:
    Fd() = default;

    explicit Fd(int fd) noexcept : fd_(fd) {}

    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

    Fd& operator=(Fd&& other) noexcept
    {
        std::swap(fd_, other.fd_);
        return *this;
    }

    ~Fd();

    int get() const noexcept { return fd_; }

    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// disk, or spool_full where the file system is full (ENOSPC, EDQUOT). `what` names the step.
Error disk_error(int errno_value, std::string_view what);

/// Opens `name` below the folder `at`; close-on-exec, no symbolic links. New files get mode 0600.
Result<Fd> open_at(const Fd& at, const std::string& name, int flags);
Result<Fd> open_folder(const std::filesystem::path& folder);

Result<void> write_at(const Fd& file, ConstBytes bytes, std::uint64_t offset);
/// Bytes read: fewer than asked for at the end of the file only.
Result<std::size_t> read_at(const Fd& file, std::span<std::byte> buffer, std::uint64_t offset);
Result<std::uint64_t> size_of(const Fd& file);
/// For accounts that need not be exact: `otherwise` where the file system does not say.
std::uint64_t size_or(const Fd& file, std::uint64_t otherwise);
/// Of the file system that the folder is on, for us.
Result<std::uint64_t> free_bytes(const Fd& folder);
/// fsync: what a folder names is durable when it returns.
Result<void> sync_folder(const Fd& folder);
/// fdatasync: bytes and size. A failure is final: what the kernel gave up is never written.
Result<void> sync_data(const Fd& file);

} // namespace gantry::custody
