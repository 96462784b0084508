// Responses to DIMSE requests (PS3.7 9.3, 10.3). Pure; any thread.
#pragma once

#include "dimse/command_set.h"
#include "dimse/service_provider.h"
#include "mapping/vocabulary/dimse_status.h"

#include <cstdint>
#include <optional>
#include <string>

namespace gantry::dimse {

/// Appends the command set: the field, message id and UIDs of `request`, with `status`. UIDs that
/// are none are not echoed. No data set follows.
void write_response(wire::Buffer& out, const CommandSet& request, const DimseStatus& status);

/// What a response repeats of a request that is answered more than once (C-FIND, C-MOVE, C-GET).
struct RequestHead {
    std::uint8_t context = 0;
    Command command{};
    std::uint16_t message_id = 0;
    Uid sop_class;
    Uid transfer_syntax;
};

struct QueryResponse {
    DimseStatus status;
    bool data_set = false;
    std::optional<SubOperations> counts = {};
    bool remaining = false; // of the counts: in Pending and cancelled ones only (PS3.4 C.4.2.1.6)
};

/// Appends the command set of a C-FIND-RSP, C-MOVE-RSP or C-GET-RSP (PS3.7 9.3.2.2, 9.3.3.2,
/// 9.3.4.2).
void write_response(wire::Buffer& out, const RequestHead& request, const QueryResponse& response);

} // namespace gantry::dimse
