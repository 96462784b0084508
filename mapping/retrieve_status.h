// From what became of a C-MOVE or C-GET to the status of its final response (PS3.4 C.4.2.1.5,
// C.4.3.1.4). The one table for it.
#pragma once

#include "mapping/vocabulary/dimse_status.h"

#include <cstdint>
#include <string_view>

namespace gantry::mapping {

/// Why nothing, or less than there is, was sent.
enum class RetrieveFailure : std::uint8_t {
    destination_unknown,     // the Move Destination is in no configuration
    destination_unreachable, // no association, or none of what is there is taken on it
    destination_busy,        // its associations were held by others for too long
    origin_busy,             // likewise the origin
    matches_unknown,         // the origin could not be asked what it has, or did not say it all
    matches_limited,         // it has more than can be listed
    nothing_sent,            // every sub-operation failed
    not_authorised,          // the origin does not let us in
    question_refused,        // it does not understand what was asked
    internal
};

DimseStatus retrieve_status(RetrieveFailure failure);

/// `detail` is shown where it fits (64 characters).
DimseStatus retrieve_status(RetrieveFailure failure, std::string_view detail);

/// Where every sub-operation was tried: 0000, B000 or A702.
DimseStatus
retrieve_status(std::uint64_t completed, std::uint64_t failed, std::uint64_t with_warning);

} // namespace gantry::mapping
