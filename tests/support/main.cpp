// The main of every test binary: doctest's, plus an exit status of its own for a case that could
// not run here.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <atomic>
#include <iostream>

#include "tests/support/skip.h"

namespace {

constexpr int exit_skipped = 77; // SKIP_RETURN_CODE in tests/CMakeLists.txt

std::atomic<bool> skipped = false;

} // namespace

void gantry::tests::skip(std::string_view reason)
{
    skipped = true;
    std::cout << "skipped: " << reason << std::endl;
}

int main(int argc, char** argv)
{
    doctest::Context context(argc, argv);
    const int result = context.run();
    if (context.shouldExit() || result != 0)
        return result;
    return skipped ? exit_skipped : 0;
}
