#include "config/secret.h"

#include "config/error.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace gantry::config {

namespace {

Error bad(const std::filesystem::path& path, const std::string& why)
{
    return error(Errc::bad_value, path.string() + ": " + why);
}

Error from_errno(const std::filesystem::path& path, const std::string& what)
{
    return bad(path, what + ": " + std::generic_category().message(errno));
}

/// Closes on the way out.
struct Descriptor {
    explicit Descriptor(int opened) : fd(opened) {}

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    ~Descriptor()
    {
        if (fd >= 0)
            ::close(fd);
    }

    int fd;
};

/// O_NONBLOCK: a FIFO in the place of a file must not hang the start.
Result<struct stat> status(const std::filesystem::path& path, const Descriptor& file)
{
    struct stat about{};
    if (file.fd < 0 || ::fstat(file.fd, &about) != 0)
        return from_errno(path, "cannot be read");
    if (!S_ISREG(about.st_mode))
        return bad(path, "is not a regular file");
    return about;
}

Descriptor open_to_read(const std::filesystem::path& path)
{
    return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

} // namespace

Result<void> check_file(const std::filesystem::path& path)
{
    const Descriptor file = open_to_read(path);
    const auto about = status(path, file);
    if (!about)
        return about.error();
    return {};
}

Result<void> check_secret_file(const std::filesystem::path& path)
{
    const Descriptor file = open_to_read(path);
    const auto about = status(path, file);
    if (!about)
        return about.error();
    if ((about->st_mode & (S_IRWXO | S_IWGRP)) != 0)
        return bad(path, "holds a secret and is open to others: chmod 0640 or 0600 it");
    return {};
}

Result<std::string> read_secret(const std::filesystem::path& path)
{
    const Descriptor file = open_to_read(path);
    if (const auto about = status(path, file); !about)
        return about.error();
    std::array<char, (16U << 10U) + 1> buffer{};
    const ssize_t count = ::read(file.fd, buffer.data(), buffer.size());
    if (count < 0)
        return from_errno(path, "cannot be read");
    if (static_cast<std::size_t>(count) == buffer.size())
        return bad(path, "is too large for a secret");
    std::string secret(buffer.data(), static_cast<std::size_t>(count));
    secret.resize(std::min(secret.find_first_of("\r\n"), secret.size()));
    const std::size_t first = secret.find_first_not_of(" \t");
    if (first == std::string::npos)
        return bad(path, "holds no secret: its first line is empty");
    return secret.substr(first, secret.find_last_not_of(" \t") - first + 1);
}

} // namespace gantry::config
