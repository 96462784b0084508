// One connection of the server, request after request. Internal to web/. Runs on the loop.
#pragma once

#include "gateway/loop/asio.h"
#include "web/message_reader.h"
#include "web/server.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace gantry::web {

class ServerRequestBody;
class ServerResponse;

/// What all sessions of a server share.
struct ServerContext {
    ServerOptions options;
    const Router& router;
    Gate gate;
    bool draining = false;
    std::uint64_t last_request = 0;
    std::function<void()> on_idle{}; // a session has become idle
};

class Session {
public:
    /// `context` outlives the session.
    Session(ServerContext& context, std::unique_ptr<Connection> connection, std::string peer);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Until the connection ends.
    asio::awaitable<void> run();

    /// Between two requests.
    bool idle() const noexcept { return idle_; }

    /// When it began to be idle.
    std::chrono::steady_clock::time_point idle_since() const noexcept { return idle_since_; }

    void close() noexcept { connection_->close(); }

private:
    /// A request on its way through the session.
    struct Turn;
    class LogLine;

    asio::awaitable<bool> serve(MessageHead head);
    std::uint16_t judge(Turn& turn) const;
    bool knows(std::string_view path) const;
    asio::awaitable<bool> turn_away(Turn& turn);
    asio::awaitable<void> answer(Turn& turn);
    asio::awaitable<bool> handle(Turn& turn);
    asio::awaitable<bool> watch(Turn& turn);
    asio::awaitable<void> conclude(Turn& turn);
    asio::awaitable<void> refuse_head(Error reason);
    asio::awaitable<void> linger();

    ServerContext& context_;
    std::unique_ptr<Connection> connection_;
    MessageReader reader_;
    std::string peer_;
    bool idle_ = true;
    std::chrono::steady_clock::time_point idle_since_ = std::chrono::steady_clock::now();
};

} // namespace gantry::web
