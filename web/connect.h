// Opens a connection to an origin: resolve, TCP, proxy, TLS, each with its deadline and its name in
// the failure. Internal to web/. Runs on the loop; only name resolution uses Asio's own thread.
#pragma once

#include "gateway/loop/asio.h"
#include "web/client.h"
#include "web/connection.h"
#include "web/url.h"

#include <chrono>
#include <memory>
#include <optional>

namespace gantry::web {

/// How to reach an origin.
struct Way {
    Url origin;
    std::optional<Url> proxy;                       // plain HTTP to it
    std::shared_ptr<boost::asio::ssl::context> tls; // where the origin is https
    std::chrono::milliseconds timeout{10'000};      // of each step
};

using ConnectResult = boost::system::result<std::unique_ptr<Connection>, ClientFailure>;

ClientFailure failed(Phase phase, Error reason);

asio::awaitable<ConnectResult> connect(Way way);

/// "Basic ..." of "user:password" (RFC 7617).
std::string basic_credentials(std::string_view user_and_password);

} // namespace gantry::web
