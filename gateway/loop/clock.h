// Time is a parameter: tests bring their own clock.
#pragma once

#include <chrono>

namespace gantry {

/// Milliseconds since the Unix epoch, as stored; may jump when the machine's clock is set.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// Never jumps; means nothing after a restart.
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
public:
    virtual ~Clock() = default;
    virtual WallTime wall() const = 0;
    virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
public:
    WallTime wall() const override
    {
        return std::chrono::time_point_cast<std::chrono::milliseconds>(
            std::chrono::system_clock::now()
        );
    }

    SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

} // namespace gantry
