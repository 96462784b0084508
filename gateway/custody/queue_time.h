// Queue time: milliseconds that run evenly with the steady clock. It starts at the machine's time,
// or at the latest time that is still queued where that is later, so that the order of what waits
// survives a clock set back.
#pragma once

#include "gateway/custody/ledger.h"
#include "gateway/loop/clock.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace gantry::custody {

class QueueTime {
public:
    explicit QueueTime(const Clock& clock)
        : clock_(clock),
          started_(clock.steady()),
          start_ms_(clock.wall().time_since_epoch().count())
    {
    }

    /// At start only.
    void not_before(std::int64_t queue_ms) { start_ms_ = std::max(start_ms_, queue_ms); }

    Moment now() const
    {
        const auto since =
            std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady() - started_);
        return {.queue_ms = start_ms_ + since.count(), .wall = clock_.wall()};
    }

    SteadyTime steady() const { return clock_.steady(); }

private:
    const Clock& clock_;
    const SteadyTime started_;
    std::int64_t start_ms_;
};

} // namespace gantry::custody
