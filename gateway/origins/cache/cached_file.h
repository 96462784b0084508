// One file of the cache, opened: it stays readable whatever becomes of its name. Blocking; any
// thread.
#pragma once

#include "gateway/custody/file.h"
#include "gateway/origins/cache/file_note.h"

#include <memory>
#include <vector>

namespace gantry::cache {

struct CachedFile {
    std::shared_ptr<const custody::Fd> file;
    FileName name;
    FileNote note;
};

/// Takes the note of what it is given. Errors: damaged, disk.
Result<CachedFile> read_cached_file(custody::Fd file, const FileName& name);

/// The data set into memory of its length, checked. Errors: damaged, disk.
Result<void> read_whole(const CachedFile& file, std::span<std::byte> into);

/// Reads and checks all of it. Errors: damaged, disk.
Result<void> check_whole(const CachedFile& file);

} // namespace gantry::cache
