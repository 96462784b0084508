// Faults of the disk, on command. The shim is a shared library that stands before the C library:
// linked into a test binary it is told here; preloaded (LD_PRELOAD) into any program it reads the
// same rules from the file that GANTRY_FAULTS names, again whenever that file changes.
//
// Rules, one a line; the last `path` applies to all, steps are counted from the moment they are
// set:
//   path TEXT            only files whose path contains TEXT
//   fail OP N ERRNO      the Nth OP and all after it fail: ENOSPC, EIO
//   delay OP US          each OP takes this many microseconds longer
//   kill N               SIGKILL to the process instead of the Nth step, of whatever kind
//   shadow FOLDER STORE  keeps in STORE what a disk would hold of FOLDER that writes nothing before
//                        it is told to: see shadow_disk.h
// OP: write (pwrite, ftruncate too), sync (fsync, fdatasync), make (open that creates), move
// (rename), remove (unlink), any.
#pragma once

#include <cstdint>

extern "C" {
void gantry_faults_set(const char* rules);
/// Steps of any kind on matching paths since the rules were set.
std::uint64_t gantry_faults_steps();
}
