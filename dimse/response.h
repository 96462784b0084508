// The response to a DIMSE request that has no data set of its own (PS3.7 9.3, 10.3). Pure; any
// thread.
#pragma once

#include "dimse/command_set.h"
#include "mapping/vocabulary/dimse_status.h"

namespace gantry::dimse {

/// Appends the command set: the field, message id and UIDs of `request`, with `status`. UIDs that
/// are none are not echoed.
void write_response(wire::Buffer& out, const CommandSet& request, const DimseStatus& status);

} // namespace gantry::dimse
