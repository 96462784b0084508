#include "gateway/error.h"
#include "gateway/operation/control.h"
#include "support/scratch_folder.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include <future>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <thread>

using namespace gantry;
using namespace gantry::operation;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using Local = asio::local::stream_protocol;

namespace {

using Answered = asio::awaitable<Result<json::value>>;

Answered echo(json::object args)
{
    co_return json::value(std::move(args));
}

Answered count(json::object args, ControlRows& rows)
{
    const auto most = args.at("to").to_number<std::int64_t>();
    for (std::int64_t i = 1; i <= most; ++i) {
        json::object row{{"number", i}, {"filler", std::string(100, 'x')}};
        const auto taken = co_await rows.row(std::move(row));
        if (!taken)
            co_return taken.error();
    }
    co_return json::value{{"rows", most}};
}

/// Rows until the client does not take them any more; says why it ended.
Answered flood(ControlRows& rows, std::promise<std::string>* ended)
{
    for (;;) {
        json::object row{{"filler", std::string(1000, 'x')}};
        const auto taken = co_await rows.row(std::move(row));
        if (!taken) {
            ended->set_value(taken.error().text());
            co_return taken.error();
        }
    }
}

Answered fails()
{
    co_return error(Errc::not_found, "no such destination");
}

Answered throws()
{
    throw std::runtime_error("a bug");
    co_return json::value();
}

Answered never()
{
    asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
    co_await timer.async_wait(use_tuple);
    co_return json::value();
}

/// A server on a thread of its own, as the service has it on its loop.
class Serving {
public:
    explicit Serving(ControlLimits limits = {}) : path(folder_.path() / "control.sock")
    {
        commands_.add("echo", [](json::object args, ControlRows&) {
            return echo(std::move(args));
        });
        commands_.add("count", [](json::object args, ControlRows& rows) {
            return count(std::move(args), rows);
        });
        commands_.add("fails", [](json::object, ControlRows&) { return fails(); });
        commands_.add("throws", [](json::object, ControlRows&) { return throws(); });
        commands_.add("flood", [this](json::object, ControlRows& rows) {
            return flood(rows, &flood_ended);
        });
        commands_.add("never", [](json::object, ControlRows&) { return never(); });
        auto acceptor = listen_control(loop_.get_executor(), path);
        REQUIRE(acceptor.has_value());
        server_.emplace(loop_.get_executor(), commands_, limits);
        tasks_.emplace(loop_.get_executor(), "test");
        tasks_->spawn(server_->serve(std::move(*acceptor)));
        thread_ = std::thread([this] { loop_.run(); });
    }

    Serving(const Serving&) = delete;
    Serving& operator=(const Serving&) = delete;

    ~Serving()
    {
        asio::post(loop_, [this] {
            tasks_->cancel();
            stopping_.emplace(loop_.get_executor(), "stop");
            stopping_->spawn(server_->stop());
        });
        thread_.join();
    }

    Result<json::value> call(std::string_view command, json::object args = {}) const
    {
        return ControlClient(path, 10s).call(command, std::move(args), [](const json::object&) {});
    }

private:
    tests::ScratchFolder folder_;
    asio::io_context loop_;
    ControlCommands commands_;
    std::optional<ControlServer> server_;
    std::optional<TaskGroup> tasks_;
    std::optional<TaskGroup> stopping_;
    std::thread thread_;

public:
    std::filesystem::path path;
    std::promise<std::string> flood_ended;
};

/// A client that speaks raw bytes.
struct RawClient {
    explicit RawClient(const std::filesystem::path& path) : socket(loop)
    {
        socket.connect(Local::endpoint(path.string()));
    }

    void send(std::string_view text) { asio::write(socket, asio::buffer(text)); }

    /// Everything until the server closes.
    std::string rest()
    {
        std::string text;
        boost::system::error_code ec;
        asio::read(socket, asio::dynamic_buffer(text), ec);
        return text;
    }

    asio::io_context loop;
    Local::socket socket;
};

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a control command is answered with its result")
{
    const Serving serving;
    const auto answer = serving.call("echo", {{"destination", "cloud"}, {"n", 7}});
    REQUIRE(answer.has_value());
    CHECK(json::serialize(*answer) == R"({"destination":"cloud","n":7})");
}

TEST_CASE("rows of a control command arrive all and in order")
{
    const Serving serving;
    std::int64_t expected = 0;
    bool in_order = true;
    const auto answer =
        ControlClient(serving.path, 10s)
            .call("count", {{"to", 20'000}}, [&](const json::object& row) {
                in_order = in_order && row.at("number").to_number<std::int64_t>() == ++expected;
            });
    REQUIRE(answer.has_value());
    CHECK(in_order);
    CHECK(expected == 20'000);
    CHECK(answer->as_object().at("rows").to_number<int>() == 20'000);
}

TEST_CASE("a control command that fails says why")
{
    const Serving serving;
    CHECK(has(serving.call("fails").error().detail, "no such destination"));
    CHECK(has(serving.call("throws").error().detail, "a bug"));
    CHECK(has(serving.call("colour").error().detail, "there is no command colour"));
}

TEST_CASE("what is no control request is told so, and the next client is served")
{
    const Serving serving;
    for (const std::string_view request :
         {"hello\n",
          "[1]\n",
          "{}\n",
          "{\"command\": 5}\n",
          "\n",
          "{\"command\": \"echo\", \"args\": [[[[[[[[[[1]]]]]]]]]]}\n"}) {
        CAPTURE(std::string(request));
        RawClient client(serving.path);
        client.send(request);
        CHECK(has(client.rest(), "\"ok\":false"));
    }
    CHECK(serving.call("echo").has_value());
}

TEST_CASE("a control request without end is cut off at its bound")
{
    ControlLimits limits;
    limits.request = Bytes{1000};
    const Serving serving(limits);
    RawClient client(serving.path);
    boost::system::error_code ec;
    asio::write(client.socket, asio::buffer(std::string(5000, 'x')), ec);
    client.rest();
    CHECK(serving.call("echo").has_value());
}

TEST_CASE("silent control clients delay nobody and are let go at the deadline")
{
    ControlLimits limits;
    limits.clients = 8;
    limits.request_deadline = 200ms;
    const Serving serving(limits);
    RawClient silent(serving.path);
    RawClient half(serving.path);
    half.send("{\"command\": ");
    CHECK(serving.call("echo").has_value());
    CHECK(has(silent.rest(), "\"ok\":false"));
    CHECK(has(half.rest(), "\"ok\":false"));
}

TEST_CASE("a control client that does not read is let go at the deadline")
{
    ControlLimits limits;
    limits.write_deadline = 100ms;
    Serving serving(limits);
    RawClient client(serving.path);
    client.send("{\"command\": \"flood\"}\n");
    CHECK(serving.call("echo").has_value());
    auto ended = serving.flood_ended.get_future();
    REQUIRE(ended.wait_for(30s) == std::future_status::ready);
    CHECK(has(ended.get(), "answering on the control socket"));
}

TEST_CASE("a control command that never ends is ended")
{
    ControlLimits limits;
    limits.command_deadline = 100ms;
    const Serving serving(limits);
    CHECK(has(serving.call("never").error().detail, "the command"));
}

TEST_CASE("control clients beyond the cap are told so")
{
    ControlLimits limits;
    limits.clients = 1;
    const Serving serving(limits);
    RawClient first(serving.path);
    // The first is counted as soon as its place is taken: ask until then.
    std::string told;
    for (int i = 0; i < 100 && told.empty(); ++i) {
        const auto answer = serving.call("echo");
        if (!answer)
            told = answer.error().detail;
    }
    CHECK(has(told, "too many control clients"));
}

TEST_CASE("the control socket is for its owner and group only")
{
    const Serving serving;
    struct stat about{};
    REQUIRE(::stat(serving.path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0660);
}

TEST_CASE("a control socket that is served is not taken, an abandoned one is")
{
    asio::io_context loop;
    const tests::ScratchFolder folder;
    const auto abandoned = folder.path() / "abandoned.sock";
    {
        Local::acceptor acceptor(loop, Local::endpoint(abandoned.string()));
    }
    CHECK(listen_control(loop.get_executor(), abandoned).has_value());
    const Serving serving;
    const auto second = listen_control(loop.get_executor(), serving.path);
    REQUIRE(second.has_error());
    CHECK(second.error().code == make_error_code(Errc::in_use));
    CHECK(serving.call("echo").has_value());
    CHECK(listen_control(loop.get_executor(), folder.path() / std::string(200, 'x')).has_error());
}

TEST_CASE("without a service the control client says that gantry is not running")
{
    const tests::ScratchFolder folder;
    const auto answer =
        ControlClient(folder.path() / "control.sock").call("status", {}, [](const json::object&) {
        });
    REQUIRE(answer.has_error());
    CHECK(answer.error().code == make_error_code(Errc::unavailable));
    CHECK(has(answer.error().detail, "gantry is not running"));
}

TEST_CASE("a service that falls silent does not hang the control client")
{
    asio::io_context loop;
    const tests::ScratchFolder folder;
    const auto path = folder.path() / "control.sock";
    const Local::acceptor silent(loop, Local::endpoint(path.string()));
    const auto answer = ControlClient(path, 50ms).call("status", {}, [](const json::object&) {});
    REQUIRE(answer.has_error());
    CHECK(answer.error().code == asio::error::timed_out);
}

TEST_CASE("a stop of the control server ends commands that run")
{
    Result<json::value> answer = error(Errc::closed);
    std::thread client;
    {
        const Serving serving;
        client = std::thread([&answer, path = serving.path] {
            answer = ControlClient(path, 10s).call("never", {}, [](const json::object&) {});
        });
        CHECK(serving.call("echo").has_value());
    }
    client.join();
    CHECK(answer.has_error());
}
