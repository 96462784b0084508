// One stream of log lines on stdout: with priorities for journald, with time stamps elsewhere.
#pragma once

#include "config/config.h"

namespace gantry::operation {

/// Sets spdlog's default logger, and one for each folder by its name ("dimse", "web", "gateway",
/// "custody"), all on one sink. Once, before other threads start.
void start_logging(config::LogLevel level);

} // namespace gantry::operation
