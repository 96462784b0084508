#include "gateway/custody/queue.h"

#include <iterator>

namespace gantry::custody {

namespace {

constexpr const char* state_names[] = {
    "queued", "sending", "deferred", "delivered", "failed", "quarantined", "held", "dropped"
};

} // namespace

const char* to_string(DeliveryState state) noexcept
{
    return state_names[static_cast<std::size_t>(state)];
}

std::optional<DeliveryState> delivery_state(std::string_view text) noexcept
{
    for (std::size_t i = 0; i < std::size(state_names); ++i)
        if (text == state_names[i])
            return static_cast<DeliveryState>(i);
    return std::nullopt;
}

} // namespace gantry::custody
