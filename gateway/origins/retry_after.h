// Retry-After (RFC 9110 10.2.3), in seconds or as a date. Pure.
#pragma once

#include "gateway/loop/clock.h"
#include "web/message.h"

#include <chrono>
#include <optional>

namespace gantry {

/// A date counts from the response's own Date where it has one, so that clocks need not agree, else
/// from `now`. Nothing where it is absent or cannot be read; never negative.
std::optional<std::chrono::seconds> retry_after(const web::Fields& fields, WallTime now);

} // namespace gantry
