#include "gateway/origins/cache/cache_store.h"

#include "gateway/custody/digest.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace gantry::cache {

namespace {

using custody::disk_error;

constexpr std::chrono::minutes clock_tolerance{5}; // beyond: the clock has been set back

std::string origin_folder(const std::string& origin)
{
    char name[17];
    const auto hash = custody::checksum(std::as_bytes(std::span(origin)));
    (void)std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(hash));
    return name;
}

/// 0 where the kernel does not tell.
std::uint32_t boot_of_machine()
{
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(in, id);
    if (id.empty())
        return 0;
    const std::uint64_t hash = custody::checksum(std::as_bytes(std::span(id)));
    return static_cast<std::uint32_t>(hash) | 1U;
}

std::string path_of(const SeriesFolder& folder, const FileName& name)
{
    return folder + '/' + name.str();
}

Result<custody::Digest> digest_of(const custody::Fd& file, std::uint64_t offset, Bytes length)
{
    constexpr std::uint64_t piece = 1U << 20U;
    std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(piece, length.count)));
    custody::DigestStream digest;
    for (std::uint64_t done = 0; done < length.count;) {
        const auto want = std::min<std::uint64_t>(buffer.size(), length.count - done);
        const auto part = std::span(buffer).first(static_cast<std::size_t>(want));
        const auto got = custody::read_at(file, part, offset + done);
        if (!got)
            return got.error();
        if (*got < part.size())
            return error(Errc::damaged, "shorter than it should be");
        digest.update(part);
        done += want;
    }
    return digest.digest();
}

} // namespace

/// Space that has been made for one file, and is given back where the file does not come.
class CacheStore::Room {
public:
    Room(CacheStore& store, Bytes size) : store_(&store), size_(size) {}

    Room(Room&& other) noexcept : store_(std::exchange(other.store_, nullptr)), size_(other.size_)
    {
    }

    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    Room& operator=(Room&&) = delete;

    ~Room()
    {
        if (store_ == nullptr)
            return;
        const std::lock_guard lock(store_->mutex_);
        store_->promised_ -= size_.count;
    }

private:
    CacheStore* store_;
    Bytes size_;
};

CacheStore::CacheStore(
    CacheOptions options, const Clock& clock, custody::Fd root, custody::Fd incoming
)
    : options_(std::move(options)),
      clock_(clock),
      root_(std::move(root)),
      incoming_(std::move(incoming)),
      boot_(boot_of_machine())
{
}

std::string CacheStore::study_prefix(const std::string& origin, const Uid& study)
{
    return origin_folder(origin) + '/' + study.str() + '/';
}

SeriesFolder
CacheStore::series_folder(const std::string& origin, const Uid& study, const Uid& series)
{
    return study_prefix(origin, study) + series.str();
}

bool CacheStore::young(const FileName& name) const
{
    const WallTime now = clock_.wall();
    return name.fetched >= now - options_.max_age && name.fetched <= now + clock_tolerance;
}

std::optional<Bytes> CacheStore::look(const SeriesFolder& folder, const PackedUid& sop) const
{
    return look(folder, std::span(&sop, 1)).front();
}

std::vector<std::optional<Bytes>>
CacheStore::look(const SeriesFolder& folder, std::span<const PackedUid> sops) const
{
    std::vector<std::optional<Bytes>> out;
    out.reserve(sops.size());
    const std::lock_guard lock(mutex_);
    for (const PackedUid& sop : sops) {
        const IndexedFile* file = index_.find(folder, sop);
        const bool here = file != nullptr && young(file->name);
        out.push_back(here ? std::optional(file->name.size) : std::nullopt);
    }
    return out;
}

bool CacheStore::any_below(const std::string& prefix) const
{
    const std::lock_guard lock(mutex_);
    return index_.any_below(prefix);
}

void CacheStore::touch(const SeriesFolder& folder)
{
    const std::lock_guard lock(mutex_);
    index_.touch(folder);
}

void CacheStore::pin(const SeriesFolder& folder)
{
    const std::lock_guard lock(mutex_);
    index_.pin(folder);
}

void CacheStore::unpin(const SeriesFolder& folder)
{
    const std::lock_guard lock(mutex_);
    index_.unpin(folder);
}

Bytes CacheStore::size() const
{
    const std::lock_guard lock(mutex_);
    return index_.size();
}

std::size_t CacheStore::files() const
{
    const std::lock_guard lock(mutex_);
    return index_.files();
}

CacheCounters CacheStore::counters() const
{
    const std::lock_guard lock(mutex_);
    return counters_;
}

void CacheStore::count_given(bool hit, Bytes size)
{
    const std::lock_guard lock(mutex_);
    ++(hit ? counters_.hits : counters_.misses);
    (hit ? counters_.hit_bytes : counters_.miss_bytes) += size.count;
}

Result<CachedFile> CacheStore::open_file(const SeriesFolder& folder, const PackedUid& sop)
{
    IndexedFile wanted;
    {
        const std::lock_guard lock(mutex_);
        const IndexedFile* file = index_.find(folder, sop);
        if (file == nullptr || !young(file->name))
            return error(Errc::not_found);
        wanted = *file;
    }
    auto fd = custody::open_at(root_, path_of(folder, wanted.name), O_RDONLY);
    auto opened =
        fd ? read_cached_file(std::move(*fd), wanted.name) : Result<CachedFile>(fd.error());
    if (opened && wanted.suspect) {
        if (const auto whole = check_whole(*opened); !whole) {
            opened = whole.error();
        } else {
            const std::lock_guard lock(mutex_);
            index_.trust(folder, wanted.name);
        }
    }
    if (opened)
        return opened;
    const bool too_many_open = !fd && fd.error().code == make_error_code(Errc::disk);
    if (too_many_open) // says nothing about the file
        return opened.error();
    give_up_damaged(folder, wanted.name);
    return error(Errc::not_found, opened.error().text());
}

void CacheStore::give_up_damaged(const SeriesFolder& folder, const FileName& name)
{
    if (!remove(folder, name))
        return;
    const std::lock_guard lock(mutex_);
    ++counters_.damaged;
}

bool CacheStore::remove(const SeriesFolder& folder, const FileName& name)
{
    {
        const std::lock_guard lock(mutex_);
        if (!index_.remove(folder, name))
            return false;
    }
    const GivenUp file{folder, name};
    discard(std::span(&file, 1));
    return true;
}

void CacheStore::erase(const SeriesFolder& folder, const PackedUid& sop)
{
    std::optional<FileName> name;
    {
        const std::lock_guard lock(mutex_);
        if (const IndexedFile* file = index_.find(folder, sop))
            name = file->name;
    }
    if (name)
        (void)remove(folder, *name);
}

// Folders that have become empty go as well; where one is being filled at this moment, whoever
// fills it makes it again.
void CacheStore::discard(std::span<const GivenUp> files) const noexcept
{
    const SeriesFolder* last = nullptr;
    for (const GivenUp& file : files) {
        ::unlinkat(root_.get(), path_of(file.folder, file.name).c_str(), 0);
        if (last != nullptr && *last != file.folder)
            ::unlinkat(root_.get(), last->c_str(), AT_REMOVEDIR);
        last = &file.folder;
    }
    if (last == nullptr || ::unlinkat(root_.get(), last->c_str(), AT_REMOVEDIR) != 0)
        return;
    ::unlinkat(root_.get(), last->substr(0, last->rfind('/')).c_str(), AT_REMOVEDIR);
}

void CacheStore::expire()
{
    const WallTime now = clock_.wall();
    std::vector<GivenUp> old;
    {
        const std::lock_guard lock(mutex_);
        old = index_.expire(now - options_.max_age, now + clock_tolerance);
        counters_.expired += old.size();
    }
    discard(old);
}

void CacheStore::note_use(std::span<const SeriesFolder> folders) const
{
    for (const SeriesFolder& folder : folders)
        (void)::utimensat(root_.get(), folder.c_str(), nullptr, 0);
}

Result<CacheStore::Room> CacheStore::make_room(Bytes size)
{
    const auto free = custody::free_bytes(root_);
    if (!free)
        return free.error();
    std::vector<GivenUp> evicted;
    {
        const std::lock_guard lock(mutex_);
        const std::uint64_t coming = promised_ + size.count;
        const std::uint64_t wanted = index_.size().count + coming;
        const std::uint64_t most = options_.max_size.count;
        const std::uint64_t least = options_.min_free.count + coming;
        std::uint64_t over = wanted > most ? wanted - most : 0;
        over = std::max(over, least > *free ? least - *free : 0);
        if (over > 0)
            evicted = index_.evict({over});
        if (over > 0 && evicted.empty()) {
            ++counters_.not_kept;
            return error(Errc::spool_full, "cache");
        }
        for (const GivenUp& file : evicted)
            counters_.evicted_bytes += file.name.size.count;
        counters_.evicted += evicted.size();
        promised_ = coming;
    }
    discard(evicted);
    return Room(*this, size);
}

std::string CacheStore::next_name()
{
    return std::to_string(next_++);
}

void CacheStore::discard_incoming(const std::string& name) const noexcept
{
    ::unlinkat(incoming_.get(), name.c_str(), 0);
}

Result<void> CacheStore::keep(const What& what, ByteSource& data_set)
{
    const auto room = make_room(what.length + Bytes{note_size});
    if (!room)
        return room.error();
    const std::string name = next_name();
    auto file = custody::open_at(incoming_, name, O_RDWR | O_CREAT | O_EXCL);
    if (!file)
        return file.error();
    Incoming incoming{name, std::move(*file)};
    const auto kept = [&]() -> Result<void> {
        custody::DigestStream digest;
        std::uint64_t done = 0;
        for (;;) {
            const auto piece = data_set.next();
            if (!piece)
                return piece.error();
            if (piece->empty())
                break;
            if (const auto put = custody::write_at(incoming.file, *piece, done); !put)
                return put.error();
            digest.update(*piece);
            done += piece->size();
        }
        if (done != what.length.count)
            return error(Errc::damaged, "another length than stated");
        FileNote note{what.key, what.source, 0, what.length, digest.digest()};
        return publish(incoming, std::move(note), what.folder);
    }();
    if (!kept)
        discard_incoming(name);
    return kept;
}

Result<void>
CacheStore::adopt(const What& what, const std::filesystem::path& file, std::uint64_t offset)
{
    const auto room = make_room(Bytes{offset} + what.length + Bytes{note_size});
    if (!room)
        return room.error();
    const std::string name = next_name();
    if (::linkat(AT_FDCWD, file.c_str(), incoming_.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0)
        return error(Errc::unsupported, "the file cannot be given a name");
    const auto kept = [&]() -> Result<void> {
        auto opened = custody::open_at(incoming_, name, O_RDWR);
        if (!opened)
            return opened.error();
        const auto digest = digest_of(*opened, offset, what.length);
        if (!digest)
            return digest.error();
        Incoming incoming{name, std::move(*opened)};
        FileNote note{what.key, what.source, offset, what.length, *digest};
        return publish(incoming, std::move(note), what.folder);
    }();
    if (!kept)
        discard_incoming(name);
    return kept;
}

Result<void> CacheStore::publish(Incoming& incoming, FileNote note, const SeriesFolder& folder)
{
    const std::uint64_t end = note.offset + note.length.count;
    const std::string text = write_note(note);
    const auto written = custody::write_at(incoming.file, std::as_bytes(std::span(text)), end);
    if (!written)
        return written.error();
    FileName name{PackedUid(note.key.sop.sop_instance), clock_.wall(), {end + note_size}, boot_};
    if (const auto named = give_name(incoming.name, path_of(folder, name)); !named)
        return named.error();
    std::optional<GivenUp> before;
    {
        const std::lock_guard lock(mutex_);
        ++counters_.kept;
        counters_.kept_bytes += name.size.count;
        before = index_.put(folder, {name, false});
        index_.touch(folder);
    }
    if (before)
        discard(std::span(&*before, 1));
    return {};
}

Result<void> CacheStore::give_name(const std::string& incoming, const std::string& path) const
{
    const auto rename = [&] {
        return ::renameat(incoming_.get(), incoming.c_str(), root_.get(), path.c_str()) == 0;
    };
    constexpr int attempts = 3; // folders that became empty are deleted at any moment
    for (int attempt = 0; attempt < attempts; ++attempt) {
        if (rename())
            return {};
        if (errno != ENOENT)
            return disk_error(errno, "naming a file");
        for (auto slash = path.find('/'); slash != std::string::npos;
             slash = path.find('/', slash + 1))
            (void)::mkdirat(root_.get(), path.substr(0, slash).c_str(), S_IRWXU);
    }
    return error(Errc::disk, "naming a file: its folder does not stay");
}

} // namespace gantry::cache
