#include "gateway/operation/control.h"

#include "gateway/error.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <exception>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace gantry::operation {

namespace {

using Local = asio::local::stream_protocol;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): references name what
// converse() keeps in its frame, which awaits all of this

asio::awaitable<error_code> write_all(Local::socket& socket, std::string_view text)
{
    const auto [ec, count] = co_await asio::async_write(socket, asio::buffer(text), use_tuple);
    co_return ec;
}

/// Writes within the deadline, or fails with timed_out.
asio::awaitable<error_code>
write_within(Local::socket& socket, std::string_view text, std::chrono::milliseconds deadline)
{
    asio::steady_timer timer(socket.get_executor(), deadline);
    const auto done = co_await (write_all(socket, text) || timer.async_wait(use_tuple));
    co_return done.index() == 0 ? std::get<0>(done) : error_code(asio::error::timed_out);
}

/// Gathers rows and hands them to the socket in pieces: one call of the system for many rows.
class Answer final : public ControlRows {
public:
    Answer(Local::socket& socket, std::chrono::milliseconds deadline)
        : socket_(socket), deadline_(deadline)
    {
    }

    asio::awaitable<Result<void>> row(json::object row) override
    {
        json::object line;
        line.emplace("row", std::move(row));
        gathered_ += json::serialize(line) + "\n";
        if (gathered_.size() < piece)
            co_return Result<void>();
        co_return co_await flush();
    }

    asio::awaitable<Result<void>> finish(Result<json::value> result)
    {
        json::object line;
        line.emplace("ok", result.has_value());
        if (result)
            line.emplace("result", std::move(*result));
        else
            line.emplace("error", result.error().text());
        gathered_ += json::serialize(line) + "\n";
        co_return co_await flush();
    }

private:
    asio::awaitable<Result<void>> flush()
    {
        const std::string text = std::exchange(gathered_, {});
        const error_code ec = co_await write_within(socket_, text, deadline_);
        if (ec)
            co_return Error{ec, "answering on the control socket"};
        co_return Result<void>();
    }

    static constexpr std::size_t piece = 64U << 10U;

    Local::socket& socket_;
    std::chrono::milliseconds deadline_;
    std::string gathered_;
};

struct Request {
    std::string command;
    json::object args;
};

Result<Request> parse_request(std::string_view line)
{
    error_code ec;
    json::parse_options options;
    options.max_depth = 8;
    json::value value = json::parse(line, ec, {}, options);
    if (ec || !value.is_object() || !value.as_object().contains("command") ||
        !value.as_object().at("command").is_string())
        return error(Errc::unsupported, "a request is an object with a command");
    Request request;
    request.command = value.as_object().at("command").as_string();
    if (auto* const args = value.as_object().if_contains("args");
        args != nullptr && args->is_object())
        request.args = std::move(args->as_object());
    return request;
}

asio::awaitable<Result<std::string>> read_line(Local::socket& socket, Bytes limit)
{
    std::string line;
    auto buffer = asio::dynamic_buffer(line, limit.count);
    const auto [ec, count] = co_await asio::async_read_until(socket, buffer, '\n', use_tuple);
    if (ec)
        co_return Error{ec, "reading a request"};
    line.resize(count - 1);
    co_return line;
}

asio::awaitable<Result<Request>> read_request(Local::socket& socket, ControlLimits limits)
{
    asio::steady_timer timer(socket.get_executor(), limits.request_deadline);
    auto done = co_await (read_line(socket, limits.request) || timer.async_wait(use_tuple));
    if (done.index() != 0)
        co_return Error{asio::error::timed_out, "reading a request"};
    const Result<std::string>& line = std::get<0>(done);
    if (!line)
        co_return line.error();
    co_return parse_request(*line);
}

/// An exception of a command is an answer too: the client must not wait for nothing.
asio::awaitable<Result<json::value>>
run_command(const ControlCommand& command, json::object args, ControlRows& rows)
{
    try {
        co_return co_await command(std::move(args), rows);
    } catch (const boost::system::system_error& failed) {
        co_return Error{failed.code(), "the command failed"};
    } catch (const std::exception& failed) {
        co_return error(Errc::unsupported, std::string("the command failed: ") + failed.what());
    }
}

asio::awaitable<Result<json::value>> run_within(
    const ControlCommand& command,
    json::object args,
    ControlRows& rows,
    std::chrono::milliseconds deadline
)
{
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, deadline);
    auto done =
        co_await (run_command(command, std::move(args), rows) || timer.async_wait(use_tuple));
    if (done.index() != 0)
        co_return Error{asio::error::timed_out, "the command"};
    co_return std::move(std::get<0>(done));
}

asio::awaitable<void>
converse(Local::socket socket, const ControlCommands& commands, ControlLimits limits)
{
    Answer answer(socket, limits.write_deadline);
    const Result<Request> request = co_await read_request(socket, limits);
    if (!request) {
        co_await answer.finish(request.error());
        co_return;
    }
    const ControlCommand* const command = commands.find(request->command);
    if (command == nullptr) {
        co_await answer.finish(error(Errc::unsupported, "there is no command " + request->command));
        co_return;
    }
    spdlog::debug("control command={}", request->command);
    Result<json::value> result =
        co_await run_within(*command, request->args, answer, limits.command_deadline);
    co_await answer.finish(std::move(result));
}

asio::awaitable<void> turn_away(Local::socket socket, std::chrono::milliseconds deadline)
{
    Answer answer(socket, deadline);
    co_await answer.finish(error(Errc::in_use, "too many control clients at once"));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

/// Whether a process serves the socket at `address`.
bool is_served(const asio::any_io_executor& loop, const Local::endpoint& address)
{
    Local::socket probe(loop);
    error_code ec;
    probe.connect(address, ec);
    return !ec;
}

} // namespace

void ControlCommands::add(std::string name, ControlCommand command)
{
    commands_.insert_or_assign(std::move(name), std::move(command));
}

const ControlCommand* ControlCommands::find(std::string_view name) const
{
    const auto found = commands_.find(name);
    return found == commands_.end() ? nullptr : &found->second;
}

Result<Local::acceptor>
listen_control(asio::any_io_executor loop, const std::filesystem::path& path)
{
    constexpr std::size_t longest = 107; // sun_path without its NUL, unix(7)
    if (path.string().size() > longest)
        return error(Errc::unsupported, path.string() + " is too long for a socket");
    const Local::endpoint address(path.string());
    if (is_served(loop, address))
        return error(Errc::in_use, path.string());
    ::unlink(path.c_str());
    Local::acceptor acceptor(loop);
    error_code ec;
    acceptor.open(Local(), ec);
    // Before bind() the mode of the descriptor is that of the file to come: nobody slips in.
    if (!ec && ::fchmod(acceptor.native_handle(), 0660) != 0)
        ec = error_code(errno, boost::system::system_category());
    if (!ec)
        acceptor.bind(address, ec); // NOLINT(bugprone-unused-return-value): in ec
    if (!ec && ::chmod(path.c_str(), 0660) != 0)
        ec = error_code(errno, boost::system::system_category());
    if (!ec)
        acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec)
        return Error{ec, path.string()};
    return acceptor;
}

ControlServer::ControlServer(
    asio::any_io_executor loop, const ControlCommands& commands, ControlLimits limits
)
    : commands_(commands), limits_(limits), clients_(std::move(loop), "control")
{
}

asio::awaitable<void> ControlServer::serve(Local::acceptor acceptor)
{
    for (;;) {
        auto [ec, socket] = co_await acceptor.async_accept(use_tuple);
        if (ec == asio::error::operation_aborted)
            co_return;
        if (ec) {
            // Out of descriptors, or the client has gone again: not at full speed round and round.
            asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(100));
            co_await pause.async_wait(use_tuple);
            continue;
        }
        if (clients_.size() < limits_.clients)
            clients_.spawn(converse(std::move(socket), commands_, limits_));
        else if (clients_.size() < limits_.clients * 2)
            clients_.spawn(turn_away(std::move(socket), limits_.write_deadline));
    }
}

asio::awaitable<void> ControlServer::stop()
{
    clients_.cancel();
    co_await clients_.drained();
}

} // namespace gantry::operation
