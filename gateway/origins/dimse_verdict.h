// What follows from how a C-GET or C-MOVE of ours ended (PS3.4 C.4.2.1.5, C.4.3.1.4): the one table
// for it. Pure.
#pragma once

#include "dimse/requestor.h"
#include "gateway/origins/dimse_plan.h"

namespace gantry {

struct DimseVerdict {
    enum class Next : std::uint8_t {
        go_on,     // what has not come may be asked for again
        other_way, // the PACS does not take this operation at all
        no_use     // nor will it answer another one now
    };

    Next next = Next::go_on;
    DimseLoss loss = {}; // of what has not come
};

/// `received`: instances that came with it.
DimseVerdict verdict(const Result<dimse::RetrieveAnswer>& answer, std::size_t received);

} // namespace gantry
