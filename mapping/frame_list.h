// The list of frames in a path (PS3.18 10.1.1.4): "1,3,5". Pure; any thread.
#pragma once

#include "mapping/error.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace gantry::mapping {

/// Ascending, each once, from 1. Errc::malformed (HTTP 400): anything else, or more than 100,000.
Result<std::vector<std::uint32_t>> parse_frame_list(std::string_view text);

} // namespace gantry::mapping
