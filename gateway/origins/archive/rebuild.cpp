#include "gateway/origins/archive/rebuild.h"

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

/// The folders that have names are flushed first: what the index says must be there.
Result<void> take_back(const ArchiveFiles& files, Index& index, const NewInstance& instance)
{
    const InstanceKey& key = instance.file.key;
    const auto there = index.find(key.sop.sop_instance);
    if (!there)
        return there.error();
    if (*there || !files.whole(instance.file))
        return {};
    const std::string name = ArchiveFiles::name_of(key.study, key.sop.sop_instance);
    if (const auto flushed = files.flush({".", name.substr(0, 2), name.substr(0, 5)}); !flushed)
        return flushed.error();
    return index.insert({&instance, 1});
}

} // namespace

Result<void> sweep_incoming(const ArchiveFiles& files, Index& index)
{
    std::error_code failed;
    std::size_t found = 0;
    for (fs::directory_iterator at(files.incoming_path(""), failed), end; !failed && at != end;
         at.increment(failed)) {
        const std::string name = at->path().filename();
        struct stat status{};
        if (::lstat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        if (status.st_nlink > 1) {
            const auto instance = read_file(at->path());
            if (instance)
                if (const auto taken = take_back(files, index, *instance); !taken)
                    return taken.error();
            found += instance.has_value() ? 1 : 0;
        }
        files.discard(name);
    }
    if (failed)
        return custody::disk_error(failed.value(), "reading incoming");
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
