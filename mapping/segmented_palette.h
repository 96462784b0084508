// Palettes in segments (PS3.3 C.7.9.2) made plain. Pure; any thread.
#pragma once

#include "mapping/error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gantry::mapping {

/// `segments`: the value of (0028,1221) to (0028,1223); `entries`: of the palette, 65536 at the
/// most. Errc::malformed where they do not make exactly that many.
Result<std::vector<std::uint16_t>>
expand_palette(std::span<const std::uint16_t> segments, std::size_t entries);

} // namespace gantry::mapping
