// The client against an origin that does not answer as it should: how each failure is named decides
// what delivery does next.
#include "support/http_client.h"
#include "support/scripted_origin.h"

#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>

#include <cstring>
#include <vector>

using namespace gantry;
using namespace gantry::tests;
using namespace gantry::web;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t large = 64'000'000; // more than the sockets' buffers take

constexpr auto patience = 20s; // where no deadline is on trial
constexpr auto impatience = 150ms;

ClientOptions
options_for(const ScriptedOrigin& origin, std::chrono::milliseconds timeout = patience)
{
    ClientOptions options;
    options.url = origin.url();
    options.timeout = timeout;
    return options;
}

HttpOutcome
post_once(const ScriptedOrigin& origin, std::uint64_t size, std::chrono::milliseconds timeout)
{
    asio::io_context loop;
    Client client(loop.get_executor(), options_for(origin, timeout));
    PatternSource body(size);
    return run(loop, ask(client, post("/studies", body)));
}

} // namespace

TEST_CASE("a failure says in which phase it came and whether the request had been sent")
{
    struct Row {
        const char* says;
        Reply reply;
        std::uint64_t body;
        Phase phase;
        Errc error;
        bool body_sent;
    };

    Reply stalls_in_body = Reply::only(Reply::End::stall);
    stalls_in_body.read_body = 1000;
    stalls_in_body.before = [] {};
    Reply resets_in_body = Reply::only(Reply::End::reset);
    resets_in_body.read_body = 1000;
    Reply garbage;
    garbage.raw = "SSH-2.0-OpenSSH\r\n\r\n";
    Reply endless_head;
    endless_head.raw = "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x');
    endless_head.end = Reply::End::stall;
    Reply switches;
    switches.raw = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
    Reply both;
    both.raw =
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    const std::vector<Row> rows{
        {"closed without an answer",
         Reply::only(Reply::End::close),
         1000,
         Phase::wait,
         Errc::cut_off,
         true},
        {"reset without an answer",
         Reply::only(Reply::End::reset),
         1000,
         Phase::wait,
         Errc::cut_off,
         true},
        {"no answer in time", Reply::only(Reply::End::stall), 1000, Phase::wait, Errc::timeout, true
        },
        {"head cut off", Reply::cut(10), 1000, Phase::receive, Errc::cut_off, true},
        {"head stalls", Reply::cut(10, Reply::End::stall), 1000, Phase::receive, Errc::timeout, true
        },
        {"no HTTP", garbage, 1000, Phase::receive, Errc::malformed, true},
        {"a head without end", endless_head, 1000, Phase::receive, Errc::too_large, true},
        {"switches protocols", switches, 1000, Phase::receive, Errc::malformed, true},
        {"both framings", both, 1000, Phase::receive, Errc::malformed, true},
        {"reset inside the request", resets_in_body, large, Phase::send, Errc::cut_off, false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        ScriptedOrigin origin;
        origin.otherwise(row.reply);
        const HttpOutcome outcome = post_once(
            origin,
            row.body,
            row.error == Errc::timeout ? std::chrono::milliseconds(impatience) : patience
        );
        REQUIRE(outcome.failure);
        CAPTURE(outcome.failure->error.text());
        CHECK(std::strcmp(to_string(outcome.failure->phase), to_string(row.phase)) == 0);
        CHECK(outcome.failure->error.code == row.error);
        CHECK(outcome.failure->body_sent == row.body_sent);
        CHECK_FALSE(outcome.failure->certificate);
        CHECK(origin.requests().size() == 1);
    }
}

TEST_CASE("an origin that stops taking the body is a timeout while sending")
{
    // Connections are accepted by the operating system; nobody reads them.
    asio::io_context loop;
    asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
    ClientOptions options;
    options.url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    options.timeout = 150ms;
    Client client(loop.get_executor(), options);
    PatternSource body(large);
    const HttpOutcome outcome = run(loop, ask(client, post("/studies", body)));
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->phase == Phase::send);
    CHECK(outcome.failure->error.code == Errc::timeout);
    CHECK_FALSE(outcome.failure->body_sent);
}

TEST_CASE("an origin that is not there fails in its phase")
{
    asio::io_context loop;
    ClientOptions options;
    {
        ScriptedOrigin origin;
        options.url = origin.url();
    }
    Client refused(loop.get_executor(), options);
    HttpOutcome outcome = run(loop, ask(refused, get("/")));
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->phase == Phase::connect);
    CHECK(outcome.failure->error.code == Errc::unreachable);
    options.url = "http://gantry-test.invalid"; // RFC 6761: never resolves
    Client unknown(loop.get_executor(), options);
    outcome = run(loop, ask(unknown, get("/")));
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->phase == Phase::resolve);
}

TEST_CASE("a body cut off or stalled is an error while it is read")
{
    struct Row {
        const char* says;
        Reply reply;
        Errc error;
    };

    const std::string head = "HTTP/1.1 200 OK\r\n";
    auto raw = [&](const char* rest, Reply::End end) {
        Reply reply;
        reply.raw = head + rest;
        reply.end = end;
        return reply;
    };
    const std::vector<Row> rows{
        {"length, closed", raw("Content-Length: 9\r\n\r\nhalf", Reply::End::close), Errc::cut_off},
        {"length, stalled", raw("Content-Length: 9\r\n\r\nhalf", Reply::End::stall), Errc::timeout},
        {"length, reset", raw("Content-Length: 9\r\n\r\nhalf", Reply::End::reset), Errc::cut_off},
        {"no last chunk",
         raw("Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", Reply::End::close),
         Errc::cut_off},
        {"inside a chunk",
         raw("Transfer-Encoding: chunked\r\n\r\n9\r\nhalf", Reply::End::close),
         Errc::cut_off},
        {"a broken chunk",
         raw("Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf", Reply::End::close),
         Errc::malformed},
        {"an endless chunk size",
         raw(("Transfer-Encoding: chunked\r\n\r\n1;" + std::string(100'000, 'x')).c_str(),
             Reply::End::stall),
         Errc::malformed},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        ScriptedOrigin origin;
        origin.then(row.reply);
        asio::io_context loop;
        const bool late = row.error == Errc::timeout;
        Client client(
            loop.get_executor(),
            options_for(origin, late ? std::chrono::milliseconds(impatience) : patience)
        );
        const HttpOutcome outcome = run(loop, ask(client, get("/")));
        CHECK_FALSE(outcome.failure);
        CHECK(outcome.status == 200);
        CHECK(outcome.body_error == row.error);
        CHECK(run(loop, ask(client, get("/"))).status == 200); // over another connection
        CHECK(origin.connections() == 2);
    }
}

TEST_CASE("an answer that comes before the body is sent is read and ends the sending")
{
    for (const std::uint64_t size : {large, std::uint64_t{1000}})
        for (const auto end : {Reply::End::close, Reply::End::reset}) {
            if (end == Reply::End::reset && size != large)
                continue;
            CAPTURE(size);
            ScriptedOrigin origin;
            Reply reply = Reply::early(413, 500);
            reply.body = "too much";
            origin.then(reply);
            asio::io_context loop;
            Client client(loop.get_executor(), options_for(origin));
            PatternSource body(size);
            const HttpOutcome outcome = run(loop, ask(client, post("/studies", body)));
            CHECK_FALSE(outcome.failure);
            CHECK(outcome.status == 413);
            CHECK(outcome.body == "too much");
            CHECK(run(loop, ask(client, get("/"))).status == 200);
            CHECK(origin.connections() == 2);
        }
}

TEST_CASE("a refused expectation costs no body and a granted one sends it")
{
    ScriptedOrigin origin;
    Reply refused = Reply::early(401, 0);
    refused.invite = false;
    Reply unasked = Reply::with(200);
    unasked.invite = false; // never says 100
    origin.then(refused).then(Reply::with(200)).then(unasked);
    asio::io_context loop;
    ClientOptions options = options_for(origin);
    Client client(loop.get_executor(), options);
    PatternSource body(200'000);
    ClientRequest request = post("/studies", body);
    request.expect_continue = true;
    CHECK(run(loop, ask(client, request)).status == 401);
    CHECK(origin.wait_for_requests(1, hang));
    CHECK(origin.requests()[0].body_bytes == 0);
    CHECK(origin.requests()[0].fields.find("Expect") == "100-continue");
    body.rewind();
    CHECK(run(loop, ask(client, request)).status == 200);
    CHECK(origin.requests()[1].body_bytes == 200'000);
    body.rewind();
    CHECK(run(loop, ask(client, request)).status == 200); // sent after a second's wait
    CHECK(origin.requests()[2].body_bytes == 200'000);
}

TEST_CASE("a server that does not know Expect gets the body without it")
{
    ScriptedOrigin origin;
    Reply unknown = Reply::early(417, 0);
    unknown.invite = false;
    origin.then(unknown);
    asio::io_context loop;
    Client client(loop.get_executor(), options_for(origin));
    PatternSource body(1000);
    ClientRequest request = post("/studies", body);
    request.expect_continue = true;
    CHECK(run(loop, ask(client, request)).status == 200);
    REQUIRE(origin.requests().size() == 2);
    CHECK_FALSE(origin.requests()[1].fields.has("Expect"));
    CHECK(origin.requests()[1].body_bytes == 1000);
}

TEST_CASE("a kept-alive connection that died is replaced once, and only before any answer")
{
    struct Row {
        const char* says;
        Reply second;
        bool recovers;
    };

    Reply half;
    half.raw = "HTTP/1.1 2";
    half.end = Reply::End::close;
    const std::vector<Row> rows{
        {"closed at the next request", Reply::only(Reply::End::close), true},
        {"reset at the next request", Reply::only(Reply::End::reset), true},
        {"an answer had begun", half, false},
        {"no answer in time", Reply::only(Reply::End::stall), false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        ScriptedOrigin origin;
        origin.then(Reply::with(200)).then(row.second);
        asio::io_context loop;
        const bool stalls = row.second.end == Reply::End::stall;
        Client client(
            loop.get_executor(),
            options_for(origin, stalls ? std::chrono::milliseconds(500) : patience)
        );
        CHECK(run(loop, ask(client, get("/"))).status == 200);
        PatternSource body(100'000);
        const HttpOutcome outcome = run(loop, ask(client, post("/studies", body)));
        CHECK(outcome.failure.has_value() == !row.recovers);
        CHECK(origin.requests().size() == (row.recovers ? 3 : 2));
        CHECK(body.rewinds == (row.recovers ? 1 : 0));
        if (row.recovers)
            CHECK(origin.requests()[2].body_bytes == 100'000);
    }
}

TEST_CASE("a replaced connection that dies as well is a failure")
{
    ScriptedOrigin origin;
    origin.then(Reply::with(200)).otherwise(Reply::only(Reply::End::close));
    asio::io_context loop;
    Client client(loop.get_executor(), options_for(origin));
    CHECK(run(loop, ask(client, get("/"))).status == 200);
    const HttpOutcome outcome = run(loop, ask(client, get("/")));
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->phase == Phase::wait);
    CHECK(origin.requests().size() == 3);
}

TEST_CASE("a connection closed while idle is not used again")
{
    ScriptedOrigin origin;
    asio::io_context loop;
    Client client(loop.get_executor(), options_for(origin));
    CHECK(run(loop, ask(client, get("/"))).status == 200);
    origin.go_down();
    HttpOutcome outcome = run(loop, ask(client, get("/")));
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->phase == Phase::connect);
    origin.come_back();
    PatternSource body(1000);
    CHECK(run(loop, ask(client, post("/", body))).status == 200);
    CHECK(body.rewinds == 0);
}

TEST_CASE("an unused connection is closed after its time")
{
    ScriptedOrigin origin;
    asio::io_context loop;
    ClientOptions options = options_for(origin);
    options.idle_timeout = 20ms;
    Client client(loop.get_executor(), options);
    CHECK(run(loop, ask(client, get("/"))).status == 200);
    loop.restart();
    loop.run_for(hang); // returns when the expiry timer, the only thing left, has done its work
    CHECK(run(loop, ask(client, get("/"))).status == 200);
    CHECK(origin.connections() == 2);
}

TEST_CASE("a body that cannot be produced is never sent as if it were whole")
{
    for (const bool too_long : {false, true}) {
        CAPTURE(too_long);
        ScriptedOrigin origin;
        asio::io_context loop;
        Client client(loop.get_executor(), options_for(origin));
        PatternSource body(200'000, too_long ? 150'000 : 300'000);
        const HttpOutcome outcome = run(loop, ask(client, post("/studies", body)));
        REQUIRE(outcome.failure);
        CHECK(outcome.failure->error.code == Errc::bad_source);
        CHECK(outcome.failure->phase == Phase::send);
        CHECK_FALSE(outcome.failure->body_sent);
        CHECK(origin.wait_for_requests(1, hang));
        CHECK_FALSE(origin.requests()[0].complete);
    }
}
