// The digest of a data set, taken while it streams by (XXH3, 128 bits). Pure computation.
#pragma once

#include "gateway/custody/spool.h"
#include "mapping/vocabulary/bytes.h"

#include <cstdint>
#include <memory>

namespace gantry::custody {

class DigestStream {
public:
    DigestStream();
    ~DigestStream();
    DigestStream(const DigestStream&) = delete;
    DigestStream& operator=(const DigestStream&) = delete;

    void update(ConstBytes bytes);
    /// Of what was given since construction or restart(); the stream may go on.
    Digest digest() const;
    void restart();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// For heads and other small things: 64 bits.
std::uint64_t checksum(ConstBytes bytes);

} // namespace gantry::custody
