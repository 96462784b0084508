// Where the commands reach this gantry itself.
#pragma once

#include "config/config.h"

namespace gantry::cli {

/// Its DIMSE face, from its own machine. Port 0 where the configuration does not say which.
dimse::PeerAddress own_address(const Config& config);

} // namespace gantry::cli
