#include "gateway/origins/cache/batch.h"

#include <fcntl.h>
#include <utility>

namespace gantry::cache {

namespace {

Result<LoadedFile> load_one(CacheStore& store, const WantedFile& wanted, BlockStock* memory)
{
    auto file = store.open_file(wanted.folder, wanted.sop);
    if (!file)
        return file.error();
    LoadedFile loaded{std::move(*file), nullptr};
    const Bytes length = loaded.file.note.length;
    if (memory == nullptr)
        return loaded;
    if (length <= largest_in_memory)
        loaded.block = memory->take(length);
    if (!loaded.block) {
        (void)::posix_fadvise(loaded.file.file->get(), 0, 0, POSIX_FADV_SEQUENTIAL);
        return loaded;
    }
    if (const auto read = read_whole(loaded.file, loaded.block->bytes()); !read) {
        store.give_up_damaged(wanted.folder, loaded.file.name);
        return error(Errc::not_found, read.error().text());
    }
    return loaded;
}

} // namespace

std::vector<Result<LoadedFile>>
load(CacheStore& store, std::span<const WantedFile> wanted, BlockStock* memory)
{
    std::vector<Result<LoadedFile>> out;
    out.reserve(wanted.size());
    for (const WantedFile& one : wanted)
        out.push_back(load_one(store, one, memory));
    return out;
}

} // namespace gantry::cache
