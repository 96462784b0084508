// A clock that stands until a test moves it.
#pragma once

#include "gateway/loop/clock.h"

#include <atomic>
#include <chrono>

namespace gantry::tests {

class ManualClock final : public Clock {
public:
    WallTime wall() const override { return wall_.load(); }

    SteadyTime steady() const override { return SteadyTime(steady_.load()); }

    /// Time passes.
    void advance(std::chrono::milliseconds by)
    {
        jump(by);
        steady_ = steady_.load() + by;
    }

    /// Somebody sets the machine's clock.
    void jump(std::chrono::milliseconds by) { wall_ = wall_.load() + by; }

private:
    std::atomic<WallTime> wall_{WallTime(std::chrono::milliseconds(1'800'000'000'000))};
    std::atomic<std::chrono::steady_clock::duration> steady_{std::chrono::hours(1)};
};

} // namespace gantry::tests
