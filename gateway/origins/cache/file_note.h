// What a file of the cache says of itself: its name which instance it is, when it was fetched and
// how long it is; its last 256 bytes what it holds. A data set may lie anywhere before them, so
// that a file that was received for something else can be kept without being written again. The
// note is written after the data, and the name is given after both. Pure; any thread.
#pragma once

#include "gateway/custody/spool.h"
#include "gateway/loop/clock.h"
#include "gateway/origins/cache/packed_uid.h"
#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/sop_reference.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::cache {

struct FileNote {
    InstanceKey key;
    AeTitle source;
    std::uint64_t offset = 0; // of the data set
    Bytes length;             // of the data set
    custody::Digest digest{}; // of the data set
};

inline constexpr std::size_t note_size = 256;

/// `note_size` bytes.
std::string write_note(const FileNote& note);
/// Nothing where these are not the last bytes of a file of that size that was finished.
std::optional<FileNote> read_note(ConstBytes last, Bytes file_size);

/// One file, as the index knows it: by its name.
struct FileName {
    PackedUid sop;
    WallTime fetched;
    Bytes size;             // of the file
    std::uint32_t boot = 0; // of the machine, when it was written

    std::string str() const;
    static std::optional<FileName> parse(std::string_view name);
    friend bool operator==(const FileName&, const FileName&) = default;
};

} // namespace gantry::cache
