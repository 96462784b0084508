// A clock that stands still until it is told to move.
#pragma once

#include "gateway/loop/clock.h"

#include <chrono>

namespace gantry::test {

class FakeClock final : public Clock {
public:
    WallTime wall() const override { return wall_; }

    SteadyTime steady() const override { return steady_; }

    void advance(std::chrono::milliseconds time)
    {
        wall_ += time;
        steady_ += time;
    }

    /// Somebody sets the machine's clock.
    void jump(std::chrono::milliseconds time) { wall_ += time; }

private:
    WallTime wall_{std::chrono::hours{24 * 365 * 50}};
    SteadyTime steady_{std::chrono::hours{24}};
};

} // namespace gantry::test
