// The logger of this folder.
#pragma once

#include <spdlog/logger.h>

namespace gantry::dimse {

/// "dimse": the registered one, else the default logger under this name. No patient data, no data
/// set values: UIDs and AE titles are fine.
spdlog::logger& log();

} // namespace gantry::dimse
