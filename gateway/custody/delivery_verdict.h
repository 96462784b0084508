// From what an origin said of an instance to what the queue keeps of it. Pure.
#pragma once

#include "gateway/custody/delivery.h"
#include "gateway/custody/delivery_pace.h"
#include "gateway/custody/queue.h"
#include "gateway/loop/clock.h"
#include "gateway/origin.h"

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace gantry::custody {

/// How often each instance has had an answer that is tried a few times only. In memory: a restart
/// costs a few attempts more.
class LimitedAttempts {
public:
    /// Counts one more and returns how many there are now.
    std::uint32_t count(std::int64_t delivery);

    void forget(std::int64_t delivery) { counts_.erase(delivery); }

private:
    static constexpr std::size_t most = 100'000; // then all start again: more attempts, no loss
    std::unordered_map<std::int64_t, std::uint32_t> counts_;
};

/// What a record depends on beside the outcome.
struct RecordingContext {
    WallTime now;
    Backoff backoff;
    double chance = 0;              // in [-1, 1]
    std::uint32_t limited_seen = 0; // attempts of this kind, this one included
    std::uint32_t limited_attempts = 3;
};

/// An unavailable origin counts no attempt and defers to now: the destination waits as a whole.
DeliveryRecord
record_of(const Delivery& delivery, const StoreOutcome& outcome, const RecordingContext& context);

/// Does this outcome tell of a destination that is asked too much?
bool tells_of_overload(StoreOutcome::Kind kind) noexcept;

/// For log lines.
const char* to_string(StoreOutcome::Kind kind) noexcept;

} // namespace gantry::custody
