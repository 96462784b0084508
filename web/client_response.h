// The answer that a client's caller reads; it holds the connection until then. Internal to web/.
#pragma once

#include "web/client.h"
#include "web/connection_pool.h"

#include <chrono>
#include <memory>

namespace gantry::web {

/// `reusable`: the request was sent whole, so that the connection may serve another.
std::unique_ptr<ClientResponse> make_response(
    ConnectionPool::Lease lease, MessageHead head, bool reusable, std::chrono::milliseconds timeout
);

} // namespace gantry::web
