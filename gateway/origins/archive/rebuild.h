// What is done before the archive opens: ends what the last run left half done, and fills an index
// that is new from the files. Blocking; nothing else runs yet.
#pragma once

#include "gateway/origins/archive/archive_files.h"
#include "gateway/origins/archive/index.h"

namespace gantry::archive {

/// What is in incoming/, has a final name too and is intact may have been acknowledged, and only be
/// missing in the index; the rest was never acknowledged and goes.
Result<void> sweep_incoming(const ArchiveFiles& files, Index& index);

/// Reads the head of every file. One that is no file of ours, or is cut short, is left alone and
/// logged. May be repeated.
Result<void> rebuild_index(const ArchiveFiles& files, Index& index);

} // namespace gantry::archive
