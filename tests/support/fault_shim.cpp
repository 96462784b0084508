// Stands before the C library's calls that change the disk. Built without sanitizers, as a shared
// library of its own; see fault_shim.h.
#include "tests/support/fault_shim.h"

#include <atomic>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "tests/support/fault_rules.h"

using namespace gantry::tests;

namespace {

template <class F>
F* real(const char* name)
{
    return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

using OpenAt = int(int, const char*, int, ...);
using Write = ssize_t(int, const void*, size_t);
using Rename = int(int, const char*, int, const char*);

OpenAt* real_openat()
{
    static OpenAt* const call = real<OpenAt>("openat");
    return call;
}

ssize_t real_write(int fd, const void* bytes, size_t size)
{
    static Write* const call = real<Write>("write");
    return call(fd, bytes, size);
}

struct State {
    std::mutex mutex; // of all below; held while shadows are made, so that a kill leaves them whole
    FaultRules rules;
    std::array<std::uint64_t, op_count> done{};
    std::uint64_t steps = 0;
    timespec file_time{};
};

State& state()
{
    static auto* const instance = new State; // outlives every thread
    return *instance;
}

// Before any thread is there: those of a binary under ThreadSanitizer cannot see this library's
// locks.
[[gnu::constructor]] void make_state()
{
    (void)state();
}

std::atomic<bool> active = false;

const char* rules_file()
{
    static const char* const name = std::getenv("GANTRY_FAULTS");
    return name;
}

std::string read_all(const char* path)
{
    const int fd = real_openat()(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    std::string content;
    std::array<char, 65'536> buffer{};
    ssize_t got = 0;
    while (fd >= 0 && (got = ::read(fd, buffer.data(), buffer.size())) > 0)
        content.append(buffer.data(), static_cast<std::size_t>(got));
    if (fd >= 0)
        ::close(fd);
    return content;
}

void write_all(const std::string& path, const std::string& content)
{
    const int fd =
        real_openat()(AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (std::size_t at = 0; fd >= 0 && at < content.size();) {
        const ssize_t put = real_write(fd, content.data() + at, content.size() - at);
        if (put <= 0)
            std::abort();
        at += static_cast<std::size_t>(put);
    }
    if (fd >= 0)
        ::close(fd);
}

void set_rules(State& s, const std::string& text)
{
    s.rules = parse_rules(text);
    s.done = {};
    s.steps = 0;
    active = s.rules.any;
}

// Under the lock. The rules of a preloaded shim come from a file.
void refresh(State& s)
{
    struct stat status{};

    if (rules_file() == nullptr || ::stat(rules_file(), &status) != 0)
        return;
    const bool same = status.st_mtim.tv_sec == s.file_time.tv_sec &&
                      status.st_mtim.tv_nsec == s.file_time.tv_nsec;
    if (same)
        return;
    s.file_time = status.st_mtim;
    set_rules(s, read_all(rules_file()));
}

std::string path_of(int fd)
{
    std::array<char, PATH_MAX> path{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t length = ::readlink(link.c_str(), path.data(), path.size() - 1);
    return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : std::string();
}

std::string path_at(int folder, const char* name)
{
    if (name[0] == '/' || folder == AT_FDCWD)
        return name;
    return path_of(folder) + "/" + name;
}

// 0: go on. Otherwise the errno to fail with. Kills, delays.
template <class Path>
int before(Op op, Path path)
{
    if (!active && rules_file() == nullptr)
        return 0;
    State& s = state();
    std::unique_lock lock(s.mutex);
    refresh(s);
    if (!s.rules.any)
        return 0;
    if (!s.rules.path.empty() && path().find(s.rules.path) == std::string::npos)
        return 0;
    const auto index = static_cast<std::size_t>(op);
    if (++s.steps >= s.rules.kill_at)
        ::raise(SIGKILL);
    const OpRule rule = s.rules.ops[index];
    const bool fails = ++s.done[index] >= rule.fail_from;
    lock.unlock();
    if (rule.delay_us != 0)
        ::usleep(rule.delay_us);
    return fails ? rule.error : 0;
}

// The shadow disk: content of an inode as of its last flush, names of a folder as of its own.
void shadow(int fd)
{
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (s.rules.shadow_folder.empty())
        return;
    const std::string path = path_of(fd);
    struct stat status{};

    if (!path.starts_with(s.rules.shadow_folder) || ::fstat(fd, &status) != 0)
        return;
    const std::string number = std::to_string(status.st_ino);
    if (!S_ISDIR(status.st_mode)) {
        const std::string self = "/proc/self/fd/" + std::to_string(fd);
        return write_all(s.rules.shadow_store + "/content-" + number, read_all(self.c_str()));
    }
    std::string names;
    DIR* entries = ::opendir(path.c_str());
    while (const dirent* entry = entries != nullptr ? ::readdir(entries) : nullptr)
        if (entry->d_name[0] != '.')
            names += std::to_string(entry->d_ino) + (entry->d_type == DT_DIR ? " d " : " f ") +
                     entry->d_name + "\n";
    if (entries != nullptr)
        ::closedir(entries);
    write_all(s.rules.shadow_store + "/names-" + number, names);
}

// An inode number that comes again is another file.
void forget_shadow(int fd)
{
    State& s = state();
    const std::lock_guard lock(s.mutex);
    struct stat status{};

    if (s.rules.shadow_folder.empty() || ::fstat(fd, &status) != 0 || status.st_size != 0)
        return;
    (void)std::remove((s.rules.shadow_store + "/content-" + std::to_string(status.st_ino)).c_str());
}

template <class Path>
bool refused(Op op, Path path)
{
    const int error = before(op, path);
    if (error != 0)
        errno = error;
    return error != 0;
}

int open_at(int folder, const char* name, int flags, mode_t mode)
{
    const bool makes = (flags & O_CREAT) != 0;
    if (makes && refused(Op::make, [&] { return path_at(folder, name); }))
        return -1;
    const int fd = real_openat()(folder, name, flags, mode);
    if (makes && fd >= 0 && active)
        forget_shadow(fd);
    return fd;
}

int sync_with(const char* name, int fd)
{
    if (refused(Op::sync, [fd] { return path_of(fd); }))
        return -1;
    const int result = real<int(int)>(name)(fd);
    if (result == 0 && active)
        shadow(fd);
    return result;
}

mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

} // namespace

extern "C" {

void gantry_faults_set(const char* rules)
{
    State& s = state();
    const std::lock_guard lock(s.mutex);
    set_rules(s, rules);
}

std::uint64_t gantry_faults_steps()
{
    State& s = state();
    const std::lock_guard lock(s.mutex);
    return s.steps;
}

ssize_t write(int fd, const void* bytes, size_t size)
{
    if (refused(Op::write, [fd] { return path_of(fd); }))
        return -1;
    return real_write(fd, bytes, size);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset)
{
    static auto* const call = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
    if (refused(Op::write, [fd] { return path_of(fd); }))
        return -1;
    return call(fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset)
{
    return pwrite64(fd, bytes, size, offset);
}

int ftruncate64(int fd, off64_t size) noexcept
{
    static auto* const call = real<int(int, off64_t)>("ftruncate64");
    if (refused(Op::write, [fd] { return path_of(fd); }))
        return -1;
    return call(fd, size);
}

int ftruncate(int fd, off_t size) noexcept
{
    return ftruncate64(fd, size);
}

int fsync(int fd)
{
    return sync_with("fsync", fd);
}

int fdatasync(int fd)
{
    return sync_with("fdatasync", fd);
}

int open(const char* name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(AT_FDCWD, name, flags, mode);
}

int open64(const char* name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(AT_FDCWD, name, flags, mode);
}

int openat(int folder, const char* name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(folder, name, flags, mode);
}

int openat64(int folder, const char* name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(folder, name, flags, mode);
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept
{
    static auto* const call = real<Rename>("renameat");
    if (refused(Op::move, [&] { return path_at(from_folder, from); }))
        return -1;
    return call(from_folder, from, to_folder, to);
}

int rename(const char* from, const char* to) noexcept
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int folder, const char* name, int flags) noexcept
{
    static auto* const call = real<int(int, const char*, int)>("unlinkat");
    if (refused(Op::remove, [&] { return path_at(folder, name); }))
        return -1;
    return call(folder, name, flags);
}

int unlink(const char* name) noexcept
{
    return unlinkat(AT_FDCWD, name, 0);
}

} // extern "C"
