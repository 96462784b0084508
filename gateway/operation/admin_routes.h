// The admin address: the page at "/", /status (JSON), /metrics, /healthz (the loop turns) and
// /readyz (stores are taken). Runs on the loop; changes nothing.
#pragma once

#include "gateway/operation/metrics.h"
#include "gateway/operation/status.h"
#include "web/server.h"

#include <functional>
#include <optional>
#include <string>

namespace gantry::operation {

struct AdminSources {
    StatusSource status;
    /// Why no store would be taken now ("starting", "spool is full"); empty where it would.
    std::function<std::optional<std::string>()> not_ready;
};

/// `metrics` outlives the router.
void add_admin_routes(web::Router& router, AdminSources sources, Metrics& metrics);

} // namespace gantry::operation
