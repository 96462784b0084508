// The start of a cache: what the last run left is taken over by the names of its files, or deleted.
#include "gateway/origins/cache/cache_store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <utility>

namespace gantry::cache {

namespace {

namespace fs = std::filesystem;

using custody::disk_error;

constexpr const char* incoming_name = "incoming";
constexpr const char* lock_name = "lock";

/// The names in a folder, in no order; none where it cannot be read.
std::vector<fs::directory_entry> entries_of(const fs::path& folder)
{
    std::vector<fs::directory_entry> out;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
        out.push_back(*at);
    return out;
}

bool is_folder(const fs::directory_entry& entry)
{
    std::error_code failed;
    return entry.is_directory(failed) && !entry.is_symlink(failed);
}

void clear_away(const fs::path& path)
{
    std::error_code ignored;
    fs::remove_all(path, ignored);
}

void remove_if_empty(const fs::path& folder)
{
    std::error_code ignored;
    fs::remove(folder, ignored);
}

bool is_origin(const std::string& name)
{
    return name.size() == 16 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_uid(const std::string& name)
{
    const auto uid = Uid::parse(name);
    return uid && uid->str() == name;
}

/// Folders in `folder` whose names are as they should be; all else there is deleted.
template <class Wanted>
std::vector<fs::path> folders_in(const fs::path& folder, Wanted wanted)
{
    std::vector<fs::path> out;
    for (const fs::directory_entry& entry : entries_of(folder)) {
        if (is_folder(entry) && wanted(entry.path().filename().string()))
            out.push_back(entry.path());
        else
            clear_away(entry.path());
    }
    return out;
}

struct UsedFolder {
    std::int64_t used = 0; // nanoseconds
    SeriesFolder folder;
};

std::vector<UsedFolder> series_below(const fs::path& root)
{
    std::vector<UsedFolder> out;
    for (const fs::directory_entry& entry : entries_of(root)) {
        const std::string name = entry.path().filename().string();
        if (name == incoming_name || name == lock_name)
            continue;
        if (!is_folder(entry) || !is_origin(name)) {
            clear_away(entry.path());
            continue;
        }
        for (const fs::path& study : folders_in(entry.path(), is_uid)) {
            for (const fs::path& series : folders_in(study, is_uid)) {
                struct stat status{};
                (void)::stat(series.c_str(), &status);
                const auto used =
                    std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
                out.push_back({used, series.lexically_relative(root).string()});
            }
            remove_if_empty(study);
        }
        remove_if_empty(entry.path());
    }
    std::ranges::sort(out, {}, &UsedFolder::used);
    return out;
}

} // namespace

Result<void> CacheStore::lock_folder()
{
    auto lock = custody::open_at(root_, lock_name, O_RDWR | O_CREAT);
    if (!lock)
        return lock.error();
    if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0)
        return error(Errc::in_use, "cache");
    lock_ = std::move(*lock);
    return {};
}

Result<std::shared_ptr<CacheStore>> CacheStore::open(CacheOptions options, const Clock& clock)
{
    const fs::path folder = options.folder;
    std::error_code failed;
    fs::create_directories(folder / incoming_name, failed);
    if (failed)
        return disk_error(failed.value(), "creating " + folder.string());
    if (::chmod(folder.c_str(), S_IRWXU) != 0)
        return disk_error(errno, "protecting " + folder.string());
    auto root = custody::open_folder(folder);
    if (!root)
        return root.error();
    auto incoming = custody::open_folder(folder / incoming_name);
    if (!incoming)
        return incoming.error();
    std::shared_ptr<CacheStore> store(
        new CacheStore(std::move(options), clock, std::move(*root), std::move(*incoming))
    );
    if (const auto locked = store->lock_folder(); !locked)
        return locked.error();
    if (const auto rebuilt = store->rebuild(); !rebuilt)
        return rebuilt.error();
    return store;
}

// What the kernel had not written yet is there after a process died, but not after the machine did.
Result<void> CacheStore::rebuild()
{
    for (const fs::directory_entry& entry : entries_of(options_.folder / incoming_name))
        clear_away(entry.path());
    for (const UsedFolder& series : series_below(options_.folder))
        rebuild_series(series.folder);
    expire();
    const std::uint64_t size = index_.size().count;
    if (size > options_.max_size.count) {
        const auto evicted = index_.evict({size - options_.max_size.count});
        discard(evicted);
    }
    return {};
}

void CacheStore::rebuild_series(const SeriesFolder& folder)
{
    const fs::path path = options_.folder / folder;
    for (const fs::directory_entry& entry : entries_of(path)) {
        const auto name = FileName::parse(entry.path().filename().string());
        const IndexedFile* other = name ? index_.find(folder, name->sop) : nullptr;
        if (!name || (other != nullptr && other->name.fetched >= name->fetched)) {
            clear_away(entry.path());
            continue;
        }
        const bool suspect = boot_ == 0 || name->boot != boot_;
        if (const auto before = index_.put(folder, {*name, suspect}))
            discard(std::span(&*before, 1));
    }
    remove_if_empty(path);
    remove_if_empty(path.parent_path());
    remove_if_empty(path.parent_path().parent_path());
}

} // namespace gantry::cache
