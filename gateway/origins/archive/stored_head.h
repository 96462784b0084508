// What a file of the archive says of itself, in the 128 bytes that PS3.10 7.1 leaves free: where
// its data set is, how long, and its digest. So the index can be rebuilt without reading the data,
// and a file cut short is known for one. Pure; any thread.
#pragma once

#include "gateway/origins/archive/catalogue.h"

#include <cstdint>
#include <optional>
#include <string>

namespace gantry::archive {

struct StoredHead {
    std::uint64_t offset = 0;   // of the data set
    std::uint64_t length = 0;   // of the data set
    std::uint64_t received = 0; // milliseconds since the Unix epoch
    Digest digest{};
};

/// 128 bytes.
std::string write_preamble(const StoredHead& head);

/// Nothing where these are not the first 128 bytes of a file that the archive has finished.
std::optional<StoredHead> read_preamble(ConstBytes file);

} // namespace gantry::archive
