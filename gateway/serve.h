// The service: everything that gantry is while it runs.
#pragma once

#include "config/config.h"

namespace gantry {

/// Runs until SIGTERM or SIGINT; returns the exit status: 0 stopped as asked, 1 failed.
int serve(const Config& config);

} // namespace gantry
