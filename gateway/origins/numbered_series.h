// How many instances the series of a retrieve have, where an origin says that (0020,1209) and there
// are too many to list them all before the first is fetched. Runs on the loop.
#pragma once

#include "gateway/origins/expected_instances.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace gantry {

struct NumberedSeries {
    std::uint64_t instances = 0;
    InstanceKey example; // one of them; names study and series
};

/// Asks at series level, and for one instance of each series. Nothing: they have to be listed,
/// since it is not whole series of few studies that are asked for, a number is not told, or there
/// are so few that listing them costs less.
asio::awaitable<std::optional<std::vector<NumberedSeries>>>
numbered_series(AskFind find, RetrieveQuestion question);

} // namespace gantry
