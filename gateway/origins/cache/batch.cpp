#include "gateway/origins/cache/batch.h"

#include <fcntl.h>
#include <utility>

namespace gantry::cache {

namespace {

Result<LoadedFile> load_one(CacheStore& store, const WantedFile& wanted, MemoryBudget& memory)
{
    auto file = store.open_file(wanted.folder, wanted.sop);
    if (!file)
        return file.error();
    LoadedFile loaded{std::move(*file), nullptr};
    const Bytes length = loaded.file.note.length;
    auto share = length <= largest_in_memory ? memory.try_take(length) : std::nullopt;
    if (!share) {
        (void)::posix_fadvise(loaded.file.file->get(), 0, 0, POSIX_FADV_SEQUENTIAL);
        return loaded;
    }
    const auto size = static_cast<std::size_t>(length.count);
    auto bytes = std::make_unique_for_overwrite<std::byte[]>(size);
    if (const auto read = read_whole(loaded.file, {bytes.get(), size}); !read) {
        store.give_up_damaged(wanted.folder, loaded.file.name);
        return error(Errc::not_found, read.error().text());
    }
    loaded.block = std::make_shared<Block>(Block{std::move(bytes), std::move(*share)});
    return loaded;
}

} // namespace

std::vector<Result<LoadedFile>>
load(CacheStore& store, std::span<const WantedFile> wanted, MemoryBudget& memory)
{
    std::vector<Result<LoadedFile>> out;
    out.reserve(wanted.size());
    for (const WantedFile& one : wanted)
        out.push_back(load_one(store, one, memory));
    return out;
}

} // namespace gantry::cache
