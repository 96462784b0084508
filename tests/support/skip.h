// How a test case says that it cannot run here: loudly, and counted by ctest as skipped instead of
// passed.
#pragma once

#include <string_view>

namespace gantry::tests {

/// Prints "skipped: <reason>" and makes this run of the binary exit with ctest's skip code, unless
/// something failed as well. The case returns right after: `if (!folder) return skip("no sample
/// files");`
void skip(std::string_view reason);

} // namespace gantry::tests
