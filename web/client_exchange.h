// One request and its answer over one connection, sent and received at once where the body is
// large. Internal to web/. Runs on the loop; decides nothing about trying again.
#pragma once

#include "gateway/loop/asio.h"
#include "web/client.h"
#include "web/connection_pool.h"

#include <chrono>
#include <string>

namespace gantry::web {

/// The request as it goes out, and what came of it. Lives in the frame of who awaits exchange().
struct Exchange {
    std::string head;             // request line and fields, to the empty line
    BodySource* body = nullptr;   // at its beginning
    bool expect_continue = false; // the head says so
    bool head_request = false;
    std::chrono::milliseconds timeout{0};

    bool body_sent = false;
    bool answered = false; // a byte of an answer came
};

/// The answer's head; it stays in the wire's reader. The connection can be kept only where
/// `exchange.body_sent`.
asio::awaitable<boost::system::result<MessageHead*, ClientFailure>>
exchange(Wire& wire, Exchange& exchange);

} // namespace gantry::web
