#include "gateway/custody/delivery_pace.h"

namespace gantry::custody {

namespace {

using std::chrono::milliseconds;

constexpr double jitter = 0.1;

milliseconds
paced(milliseconds delay, std::optional<std::chrono::seconds> retry_after, double chance)
{
    const double moved = static_cast<double>(delay.count()) * (1.0 + jitter * chance);
    const milliseconds jittered(static_cast<milliseconds::rep>(moved));
    if (!retry_after || retry_after->count() <= 0)
        return jittered;
    const milliseconds asked = std::min<milliseconds>(*retry_after, longest_retry_after);
    const double late = static_cast<double>(asked.count()) * jitter * std::max(chance, 0.0);
    return std::max(jittered, asked + milliseconds(static_cast<milliseconds::rep>(late)));
}

} // namespace

milliseconds retry_delay(
    const Backoff& backoff,
    milliseconds age,
    std::optional<std::chrono::seconds> retry_after,
    double chance
)
{
    return paced(
        std::clamp(age, backoff.min, std::max(backoff.min, backoff.max)), retry_after, chance
    );
}

milliseconds probe_delay(
    const Backoff& backoff,
    std::uint32_t failures,
    std::optional<std::chrono::seconds> retry_after,
    double chance
)
{
    milliseconds delay = backoff.min;
    for (std::uint32_t i = 0; i < failures && delay < backoff.max; ++i)
        delay *= 2;
    return paced(
        std::clamp(delay, backoff.min, std::max(backoff.min, backoff.max)), retry_after, chance
    );
}

} // namespace gantry::custody
