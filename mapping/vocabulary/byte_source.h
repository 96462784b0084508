// Bytes in their order, for a thread that may block: how a data set gets from where it lies to
// where it is sent without a detour over the loop.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"

namespace gantry {

/// One thread at a time; not the loop.
class ByteSource {
public:
    ByteSource() = default;
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;
    virtual ~ByteSource() = default;
    /// The next bytes, valid until the next call; empty at the end. After an error, what was given
    /// before must not be taken for the whole.
    virtual Result<ConstBytes> next() = 0;
};

} // namespace gantry
