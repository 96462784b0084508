// Data sets of queries, small and hostile, between bytes and dcmdata (PS3.5 7). Pure; runs on the
// association's thread. Never used for what is stored: that passes byte for byte.
#pragma once

#include "dimse/wire.h"
#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/uid.h"

#include <cstddef>
#include <memory>

class DcmDataset;

namespace gantry::dimse {

/// Beyond this no Identifier is read: it has room for a list of 4,000 UIDs.
inline constexpr std::size_t max_identifier = 256U << 10U;

/// Of a match that a peer gives us we take more: it may hold what we did not ask for.
inline constexpr std::size_t max_match = 4U << 20U;

/// Errors: malformed, where the bytes are no data set in this syntax, are more than `most`, are cut
/// off, or nest deeper than any question does; or where the syntax is deflated, which bounds
/// nothing.
Result<std::unique_ptr<DcmDataset>>
parse_data_set(ConstBytes bytes, const Uid& transfer_syntax, std::size_t most = max_identifier);

/// Appends `data_set`. Errors: malformed, where it cannot be written in this syntax; `out` is as it
/// was then.
Result<void> encode_data_set(DcmDataset& data_set, const Uid& transfer_syntax, wire::Buffer& out);

} // namespace gantry::dimse
