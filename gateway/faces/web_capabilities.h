// What the DICOMweb face offers, in a form for machines (PS3.18 8.9, annex H), made from the routes
// that are served, so that it cannot say anything else. Runs on the loop.
#pragma once

#include "gateway/faces/web_common.h"

#include <string>
#include <string_view>
#include <vector>

namespace gantry::faces {

enum class CapabilitiesForm : std::uint8_t { wadl, json };

/// `routes` are those below `root`, which is left out. `service` is where clients reach the root.
/// JSON: elements as members (lists where there may be several), attributes as members with "@".
std::string capabilities(
    CapabilitiesForm form,
    const std::string& service,
    std::string_view root,
    const std::vector<web::Router::Entry>& routes
);

class CapabilitiesService {
public:
    /// All outlive it.
    CapabilitiesService(const WebFaceOptions& options, const WebTargets& targets);

    /// OPTIONS on the root, GET /capabilities. What has no origin behind it is left out.
    asio::awaitable<void>
    tell(const web::Router& router, const web::Request& request, web::Response& response) const;

private:
    const WebFaceOptions& options_;
    const WebTargets& targets_;
};

} // namespace gantry::faces
