// Bytes that can be read at any place, for a thread that may block: how one frame of a large
// instance is read without the rest.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace gantry {

/// What it reads does not change while it lives. Any thread that may block, several at once.
class RandomAccess {
public:
    RandomAccess() = default;
    RandomAccess(const RandomAccess&) = delete;
    RandomAccess& operator=(const RandomAccess&) = delete;
    virtual ~RandomAccess() = default;
    virtual Bytes size() const = 0;
    /// Fills `into` as far as there is something from `offset` on; less only at the end.
    virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) const = 0;
};

} // namespace gantry
