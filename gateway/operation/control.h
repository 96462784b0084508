// The control socket: how `gantry queue`, `gantry status` and scripts talk with the running
// service. A Unix stream socket, mode 0660; one line of JSON asks, lines of JSON answer:
//   {"command": "queue.list", "args": {...}}
//   {"row": {...}}                           any number
//   {"ok": true, "result": ...}              or {"ok": false, "error": "..."}
// One request a connection. Runs on the loop; every read and write has a deadline, so that a slow
// client delays nobody.
#pragma once

#include "gateway/loop/asio.h"
#include "gateway/loop/task_group.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace gantry::operation {

namespace json = boost::json;

/// Takes the rows of an answer; completes when the client keeps up. An error ends the command.
class ControlRows {
public:
    virtual ~ControlRows() = default;
    virtual asio::awaitable<Result<void>> row(json::object row) = 0;
};

/// The value returned becomes "result"; an error's text becomes "error".
using ControlCommand =
    std::function<asio::awaitable<Result<json::value>>(json::object args, ControlRows& rows)>;

class ControlCommands {
public:
    void add(std::string name, ControlCommand command);

    /// nullptr where there is none of that name.
    const ControlCommand* find(std::string_view name) const;

private:
    std::map<std::string, ControlCommand, std::less<>> commands_;
};

struct ControlLimits {
    std::size_t clients = 32; // at once; further ones are told so
    Bytes request{64U << 10U};
    std::chrono::milliseconds request_deadline{std::chrono::seconds{10}}; // from connect to its end
    std::chrono::milliseconds write_deadline{std::chrono::seconds{10}
    }; // for each piece of an answer
    std::chrono::milliseconds command_deadline{std::chrono::minutes{10}};
};

/// Binds the socket, mode 0660. Takes the place of one that nobody serves; fails (in_use) where
/// another process does, and where the path is too long for a socket (107 characters).
Result<asio::local::stream_protocol::acceptor>
listen_control(asio::any_io_executor loop, const std::filesystem::path& path);

class ControlServer {
public:
    /// `commands` outlives the server.
    ControlServer(
        asio::any_io_executor loop, const ControlCommands& commands, ControlLimits limits
    );
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    /// Until cancelled.
    asio::awaitable<void> serve(asio::local::stream_protocol::acceptor acceptor);

    /// Cancels what runs and completes when nothing is left.
    asio::awaitable<void> stop();

private:
    const ControlCommands& commands_;
    ControlLimits limits_;
    TaskGroup clients_;
};

/// Asks a running service and waits for the answer. Blocking; for the command line only. Errors:
/// unavailable (no service answers on the socket), permission, timeout, or what the service says.
class ControlClient {
public:
    /// `silence`: longest wait for the next line.
    explicit ControlClient(
        std::filesystem::path socket, std::chrono::milliseconds silence = std::chrono::seconds{60}
    );

    Result<json::value> call(
        std::string_view command,
        json::object args,
        const std::function<void(const json::object&)>& on_row
    ) const;

private:
    std::filesystem::path socket_;
    std::chrono::milliseconds silence_;
};

} // namespace gantry::operation
