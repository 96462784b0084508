#include "gateway/custody/spool_space.h"

#include <algorithm>
#include <chrono>

namespace gantry::custody {

Bytes SpoolSpace::free() const
{
    constexpr std::chrono::seconds max_age{1};
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.steady();
    if (measured_ && now - *measured_ < max_age)
        return Bytes{free_};
    const auto answered = free_bytes(folder_);
    free_ = answered ? *answered : 0;
    measured_ = now;
    return Bytes{free_};
}

void SpoolSpace::spent(std::uint64_t bytes)
{
    const std::lock_guard lock(mutex_);
    free_ -= std::min(free_, bytes);
}

} // namespace gantry::custody
