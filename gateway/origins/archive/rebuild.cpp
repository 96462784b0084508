#include "gateway/origins/archive/rebuild.h"

#include "gateway/custody/digest.h"
#include "gateway/error.h"
#include "gateway/origins/archive/stored_head.h"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <vector>

namespace gantry::archive {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t batch = 500; // instances of one transaction

/// All that the index is to know of a file, from the file.
Result<NewInstance> read_file(const fs::path& path)
{
    auto folder = custody::open_folder(path.parent_path());
    if (!folder)
        return folder.error();
    auto file = custody::open_at(*folder, path.filename(), O_RDONLY);
    if (!file)
        return file.error();
    std::vector<std::byte> start(8U << 10U); // a head of ours is shorter than 1 KiB
    const auto got = custody::read_at(*file, start, 0);
    const auto size = custody::size_of(*file);
    if (!got || !size)
        return got ? size.error() : got.error();
    const auto stored = read_preamble(ConstBytes(start).first(*got));
    if (!stored || *size != stored->offset + stored->length)
        return error(Errc::damaged, "no file of the archive, or cut short");
    const auto head = mapping::read_file_head(ConstBytes(start).first(*got), *got == *size);
    if (!head)
        return head.error();
    auto key = read_key(path, stored->offset, head->head.transfer_syntax);
    if (!key)
        return key.error();
    auto attributes = read_attributes(path, stored->offset, *key);
    if (!attributes)
        return attributes.error();
    NewInstance out;
    out.file = {*key, head->head.source, stored->offset, {stored->length}, stored->digest};
    out.attributes = std::move(*attributes);
    out.received = WallTime(std::chrono::milliseconds(stored->received));
    return out;
}

/// The data set is what it was when it came in.
bool is_intact(const fs::path& path, const StoredFile& file)
{
    const auto folder = custody::open_folder(path.parent_path());
    if (!folder)
        return false;
    const auto opened = custody::open_at(*folder, path.filename(), O_RDONLY);
    if (!opened)
        return false;
    custody::DigestStream digest;
    std::vector<std::byte> buffer(256U << 10U);
    for (std::uint64_t done = 0; done < file.length.count;) {
        const auto got = custody::read_at(*opened, buffer, file.offset + done);
        if (!got || *got == 0)
            return false;
        digest.update(ConstBytes(buffer).first(*got));
        done += *got;
    }
    return digest.digest() == file.digest;
}

/// True: it was taken into the index. It is flushed first: what the index says must be there.
Result<bool> take_back(
    const ArchiveFiles& files, Index& index, const fs::path& path, const NewInstance& instance
)
{
    const InstanceKey& key = instance.file.key;
    const auto there = index.find(key.sop.sop_instance);
    if (!there)
        return there.error();
    if (*there || !files.whole(instance.file) || !is_intact(path, instance.file))
        return false;
    const auto folder = custody::open_folder(path.parent_path());
    if (!folder)
        return folder.error();
    const auto file = custody::open_at(*folder, path.filename(), O_RDONLY);
    if (!file)
        return file.error();
    const std::string name = ArchiveFiles::name_of(key.study, key.sop.sop_instance);
    const ArchiveFiles::Touched touched{{".", name.substr(0, 2), name.substr(0, 5)}, {}};
    const custody::Fd* one = &*file;
    if (const auto flushed = files.flush({&one, 1}, touched); !flushed)
        return flushed.error();
    if (const auto inserted = index.insert({&instance, 1}); !inserted)
        return inserted.error();
    return true;
}

} // namespace

Result<void> sweep_incoming(const ArchiveFiles& files, Index& index)
{
    std::error_code failed;
    std::size_t found = 0;
    std::vector<std::string> names;
    for (fs::directory_iterator at(files.incoming_path(""), failed), end; !failed && at != end;
         at.increment(failed)) {
        struct stat status{};
        if (::lstat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        names.push_back(at->path().filename());
        if (status.st_nlink < 2)
            continue; // was never acknowledged
        const auto instance = read_file(at->path());
        if (!instance)
            continue; // nor this one, or it is damaged: what has a final name stays
        const auto taken = take_back(files, index, at->path(), *instance);
        if (!taken)
            return taken.error();
        found += *taken ? 1 : 0;
    }
    if (failed)
        return custody::disk_error(failed.value(), "reading incoming");
    if (names.empty())
        return {};
    if (const auto flushed = index.flush(); !flushed)
        return flushed.error();
    for (const std::string& name : names)
        files.discard(name);
    if (found > 0)
        spdlog::info("archive swept instances={}", found);
    return {};
}

Result<void> rebuild_index(const ArchiveFiles& files, Index& index)
{
    std::error_code failed;
    std::vector<NewInstance> ready;
    std::size_t taken = 0;
    const auto flush = [&]() -> Result<void> {
        taken += ready.size();
        const auto inserted = index.insert(ready);
        ready.clear();
        return inserted;
    };
    for (fs::recursive_directory_iterator at(files.root(), failed), end; !failed && at != end;
         at.increment(failed)) {
        if (at.depth() == 0 && at->path().filename() == "incoming")
            at.disable_recursion_pending();
        if (at.depth() != 2 || at->path().extension() != ".dcm")
            continue;
        auto instance = read_file(at->path());
        if (!instance) {
            const std::string why = instance.error().text();
            spdlog::warn("archive file left alone file={} reason={}", at->path().string(), why);
            continue;
        }
        ready.push_back(std::move(*instance));
        if (ready.size() >= batch)
            if (const auto flushed = flush(); !flushed)
                return flushed.error();
    }
    if (failed)
        return custody::disk_error(failed.value(), "reading the archive");
    if (const auto flushed = flush(); !flushed)
        return flushed.error();
    if (taken > 0)
        spdlog::info("archive index rebuilt instances={}", taken);
    return index.set_complete();
}

} // namespace gantry::archive
