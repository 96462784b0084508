// How fast a destination is served: how many batches at once, and how long to wait after what went
// wrong. Pure values and functions; whoever uses them brings time and chance.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace gantry::custody {

/// Additive raise, halving: between one batch at once and the most that is allowed.
class DeliveryWindow {
public:
    explicit DeliveryWindow(std::size_t most) : most_(std::max<std::size_t>(most, 1)), now_(most_)
    {
    }

    std::size_t allowed() const noexcept { return now_; }

    void succeeded() noexcept { now_ = std::min(now_ + 1, most_); }

    void overloaded() noexcept { now_ = std::max<std::size_t>(now_ / 2, 1); }

    /// After the destination has been away: begin with one and see.
    void restart() noexcept { now_ = 1; }

private:
    std::size_t most_;
    std::size_t now_;
};

struct Backoff {
    std::chrono::milliseconds min{};
    std::chrono::milliseconds max{};
};

/// Longest Retry-After that is believed; the wait is never longer, whatever a server says.
inline constexpr std::chrono::hours longest_retry_after{1};

/// Before the next attempt of an instance that has waited for `age`: as long again, within the
/// bounds, and not before the server's Retry-After. `chance` in [-1, 1] moves it by up to 10%,
/// never below Retry-After. A clock that jumped (negative age) counts as no age.
std::chrono::milliseconds retry_delay(
    const Backoff& backoff,
    std::chrono::milliseconds age,
    std::optional<std::chrono::seconds> retry_after,
    double chance
);

/// Before the probe after `failures` failed ones in a row: doubles each time, within the bounds.
std::chrono::milliseconds probe_delay(
    const Backoff& backoff,
    std::uint32_t failures,
    std::optional<std::chrono::seconds> retry_after,
    double chance
);

} // namespace gantry::custody
