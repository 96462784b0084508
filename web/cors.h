// Cross-origin requests (Fetch, "CORS protocol"): what a viewer that was loaded from elsewhere may
// read. Internal to web/. Pure.
#pragma once

#include "web/message.h"
#include "web/options.h"

#include <vector>

namespace gantry::web {

/// A browser asks what it may send (OPTIONS with Access-Control-Request-Method).
bool is_preflight(Method method, const Fields& request);

/// What every answer to this request carries, errors too: its origin where that is configured, the
/// fields that it may read, and Vary. Empty where no origin is configured.
Fields cors_fields(const CorsOptions& options, const Fields& request);

/// The answer to a preflight, without the above: 204. `methods` are those of the path.
ResponseHead preflight_answer(const Fields& request, const std::vector<Method>& methods);

} // namespace gantry::web
