// The head of a slot: what custody knows of the instance behind it, as one line that people can
// read, with a checksum of its own. Pure functions.
//
//   gantry-slot 1 <checksum of the rest of the page, 16 hex digits> {"id":...}\n<spaces up to 4096>
//
// A page of zeros is the head of an empty slot.
#pragma once

#include "gateway/custody/spool.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"

#include <array>
#include <cstdint>
#include <string>

namespace gantry::custody {

using HeadPage = std::array<std::byte, slot_head_size>;

/// Fails (invalid) where the envelope does not fit into a page, names no destination or more than
/// 16, or would not read back as it is: what cannot be found again is not acknowledged.
Result<HeadPage> encode_head(const Envelope& envelope);

struct DecodedHead {
    enum class State : std::uint8_t { empty, valid, broken };

    State state = State::broken;
    Envelope envelope;  // valid
    std::string reason; // broken: in words
};

/// `page` may be short: a file cut off within its head is empty where it is all zeros.
DecodedHead decode_head(ConstBytes page);

std::string to_hex(ConstBytes bytes);

} // namespace gantry::custody
