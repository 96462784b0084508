// The `gantry` command.
#pragma once

namespace gantry::cli {

/// Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
int run(int argc, char** argv);

} // namespace gantry::cli
