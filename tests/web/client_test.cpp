// The client against an origin that answers as it should.
#include "support/http_client.h"
#include "support/scripted_origin.h"
#include "support/test_ca.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

using namespace gantry;
using namespace gantry::tests;
using namespace gantry::web;
using namespace std::chrono_literals;

namespace {

ClientOptions options_for(const ScriptedOrigin& origin, std::string_view path = {})
{
    ClientOptions options;
    options.url = origin.url(path);
    return options;
}

} // namespace

TEST_CASE("a request names paths below the origin's URL and carries its fields")
{
    ScriptedOrigin origin;
    origin.then(Reply::with(200, "hello"));
    asio::io_context loop;
    Client client(loop.get_executor(), options_for(origin, "/dicom-web/"));
    ClientRequest request = get("/studies?PatientID=1%202");
    request.fields.add("Accept", "application/dicom+json");
    request.fields.add("host", "evil"); // the client's own business
    const HttpOutcome outcome = run(loop, ask(client, std::move(request)));
    CHECK(outcome.status == 200);
    CHECK(outcome.body == "hello");
    const auto received = origin.requests();
    REQUIRE(received.size() == 1);
    CHECK(received[0].method == "GET");
    CHECK(received[0].target == "/dicom-web/studies?PatientID=1%202");
    CHECK(received[0].fields.find("Accept") == "application/dicom+json");
    CHECK(received[0].fields.count("Host") == 1);
    CHECK(received[0].fields.find("Host") == "127.0.0.1:" + std::to_string(origin.port()));
    CHECK_FALSE(received[0].fields.has("Authorization"));
}

TEST_CASE("a body arrives whole and with its length, whatever its size")
{
    for (const std::uint64_t size : {0U, 1U, 16'383U, 16'384U, 65'536U, 65'537U, 3'000'000U}) {
        CAPTURE(size);
        ScriptedOrigin origin;
        asio::io_context loop;
        Client client(loop.get_executor(), options_for(origin));
        PatternSource body(size);
        CHECK(run(loop, ask(client, post("/studies", body))).status == 200);
        const auto received = origin.requests();
        REQUIRE(received.size() == 1);
        CHECK(received[0].complete);
        CHECK(received[0].fields.find("Content-Length") == std::to_string(size));
        CHECK(received[0].body_bytes == size);
        CHECK(received[0].body_hash == content_hash(std::string(size, 'x')));
    }
}

TEST_CASE("responses end as their framing says")
{
    struct Row {
        const char* says;
        Reply reply;
        const char* body;
        std::size_t connections; // after two requests
    };

    std::vector<Row> rows{
        {"Content-Length", Reply::with(200, "one two"), "one two", 1},
        {"chunked", Reply::with(200, "one two"), "one two", 1},
        {"until close", Reply::with(200, "one two"), "one two", 2},
        {"no content", Reply::with(204), "", 1},
        {"not modified", Reply::with(304), "", 1},
        {"interim responses before", Reply::with(200, "one two"), "one two", 1},
        {"Connection: close", Reply::with(200, "one two"), "one two", 2},
        {"HTTP/1.0", Reply{}, "one two", 2},
    };
    rows[1].reply.chunked = true;
    rows[2].reply.until_close = true;
    rows[2].reply.end = Reply::End::close;
    rows[5].reply.interim = true;
    rows[6].reply.fields.add("Connection", "close");
    rows[6].reply.end = Reply::End::close;
    rows[7].reply.raw = "HTTP/1.0 200 OK\r\n\r\none two";
    rows[7].reply.end = Reply::End::close;
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        ScriptedOrigin origin;
        origin.then(row.reply);
        asio::io_context loop;
        Client client(loop.get_executor(), options_for(origin));
        const HttpOutcome first = run(loop, ask(client, get("/a")));
        CHECK_FALSE(first.failure);
        CHECK_FALSE(first.body_error);
        CHECK(first.body == row.body);
        CHECK(run(loop, ask(client, get("/b"))).status == 200);
        CHECK(origin.connections() == row.connections);
    }
}

TEST_CASE("the answer to HEAD has no body whatever its length says")
{
    ScriptedOrigin origin;
    origin.otherwise(Reply::with(200, "one two"));
    asio::io_context loop;
    Client client(loop.get_executor(), options_for(origin));
    ClientRequest request = get("/a");
    request.method = Method::head;
    const HttpOutcome outcome = run(loop, ask(client, std::move(request)));
    CHECK(outcome.body.empty());
    CHECK(outcome.fields.find("Content-Length") == "7");
    CHECK(run(loop, ask(client, get("/b"))).body == "one two");
    CHECK(origin.connections() == 1);
}

TEST_CASE("a response above the caller's limit is refused and its connection not used again")
{
    ScriptedOrigin origin;
    Reply chunked = Reply::with(200, std::string(2'000'000, 'x'));
    chunked.chunked = true;
    origin.then(Reply::with(200, std::string(2'000'000, 'x'))).then(chunked);
    asio::io_context loop;
    Client client(loop.get_executor(), options_for(origin));
    CHECK(run(loop, ask(client, get("/a"))).body_error == Errc::too_large);
    CHECK(run(loop, ask(client, get("/a"))).body_error == Errc::too_large);
    CHECK(run(loop, ask(client, get("/a"))).status == 200);
    CHECK(origin.connections() == 3);
}

TEST_CASE("no more connections are open at once than allowed and waiters are served in order")
{
    auto numbered = [](Client& via, std::vector<int>& done, int number) -> asio::awaitable<void> {
        (void)co_await ask(via, get("/" + std::to_string(number)));
        done.push_back(number);
    };
    for (const unsigned short connections : std::array<unsigned short, 2>{1, 3}) {
        CAPTURE(connections);
        ScriptedOrigin origin;
        asio::io_context loop;
        ClientOptions options = options_for(origin);
        options.connections = connections;
        Client client(loop.get_executor(), options);
        std::vector<int> order;
        for (int i = 0; i < 8; ++i)
            asio::co_spawn(loop, numbered(client, order, i), [&](std::exception_ptr fault) {
                CHECK_FALSE(fault);
                if (order.size() == 8)
                    loop.stop(); // what is left is the timer of unused connections
            });
        loop.run_for(hang);
        REQUIRE(order.size() == 8);
        CHECK(origin.connections() == connections);
        if (connections == 1)
            CHECK(std::ranges::is_sorted(order));
    }
}

TEST_CASE("a request that waits for a connection can be cancelled and gives its place on")
{
    ScriptedOrigin origin;
    origin.then(Reply::only(Reply::End::stall));
    asio::io_context loop;
    ClientOptions options = options_for(origin);
    options.connections = 1;
    options.timeout = 200ms;
    Client client(loop.get_executor(), options);
    std::vector<HttpOutcome> outcomes(3);
    std::vector<asio::cancellation_signal> signals(3);
    auto one = [](Client& via, HttpOutcome& into) -> asio::awaitable<void> {
        into = co_await ask(via, get("/"));
    };
    for (std::size_t i = 0; i < 3; ++i)
        asio::co_spawn(
            loop,
            one(client, outcomes[i]),
            asio::bind_cancellation_slot(signals[i].slot(), [](std::exception_ptr) {})
        );
    asio::post(loop, [&] {
        asio::post(loop, [&] { signals[1].emit(asio::cancellation_type::terminal); });
    });
    loop.run_for(hang);
    REQUIRE(outcomes[0].failure);
    CHECK(outcomes[0].failure->error.code == Errc::timeout);
    CHECK(outcomes[1].status == 0); // cancelled
    CHECK(origin.requests().size() <= 2);
    // The third waited as long as the first stalled: it was either served or gave up in time.
    CHECK((outcomes[2].status == 200 || outcomes[2].failure));
}

TEST_CASE("cancelling a request that runs closes its connection")
{
    ScriptedOrigin origin;
    origin.then(Reply::only(Reply::End::stall));
    asio::io_context loop;
    Client client(loop.get_executor(), options_for(origin));
    asio::cancellation_signal signal;
    bool ended = false;
    auto one = [](Client& via) -> asio::awaitable<void> { (void)co_await ask(via, get("/")); };
    asio::co_spawn(
        loop,
        one(client),
        asio::bind_cancellation_slot(
            signal.slot(),
            [&](std::exception_ptr) {
                ended = true;
                loop.stop();
            }
        )
    );
    while (origin.requests().empty())
        loop.run_one_for(1ms); // the request is on its way
    loop.poll();
    signal.emit(asio::cancellation_type::terminal);
    loop.run_for(hang);
    CHECK(ended);
    CHECK(origin.wait_for_requests(1, hang)); // the origin saw the end of the connection
}

TEST_CASE("307 and 308 on the same origin are followed with the body, other redirects returned")
{
    struct Row {
        std::uint16_t status;
        const char* location;
        std::uint16_t final_status;
        const char* target; // of the last request
    };

    ScriptedOrigin other;
    const std::string elsewhere = other.url("/studies");
    const Row rows[] = {
        {307, "/moved/studies?x=1", 200, "/moved/studies?x=1"},
        {308, "moved", 200, "/dicom-web/moved"},
        {302, "/moved", 302, "/dicom-web/studies"},
        {301, "/moved", 301, "/dicom-web/studies"},
        {303, "/moved", 303, "/dicom-web/studies"},
        {307, elsewhere.c_str(), 307, "/dicom-web/studies"},
        {307, "http://127.0.0.1:1/studies", 307, "/dicom-web/studies"},
        {307, "", 200, "/dicom-web/studies"},
        {307, "http://[", 307, "/dicom-web/studies"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.status);
        CAPTURE(std::string(row.location));
        ScriptedOrigin origin;
        Reply redirect = Reply::with(row.status);
        redirect.fields.add("Location", row.location);
        origin.then(redirect);
        asio::io_context loop;
        Client client(loop.get_executor(), options_for(origin, "/dicom-web"));
        PatternSource body(100'000);
        const HttpOutcome outcome = run(loop, ask(client, post("/studies", body)));
        CHECK(outcome.status == row.final_status);
        const auto received = origin.requests();
        CHECK(received.back().target == row.target);
        CHECK(received.back().body_bytes == 100'000);
        CHECK(other.requests().empty());
    }
}

TEST_CASE("a redirect that leads to itself is given up and returned")
{
    ScriptedOrigin origin;
    Reply redirect = Reply::with(307);
    redirect.fields.add("Location", "/");
    origin.otherwise(redirect);
    asio::io_context loop;
    Client client(loop.get_executor(), options_for(origin));
    CHECK(run(loop, ask(client, get("/"))).status == 307);
    CHECK(origin.requests().size() == 4);
}

TEST_CASE("a request that would smuggle another is not sent")
{
    ScriptedOrigin origin;
    asio::io_context loop;
    Client client(loop.get_executor(), options_for(origin));
    ClientRequest field = get("/");
    field.fields.add("X", "a\r\nY: b");
    for (ClientRequest request : {get("/a b"), get("/a\r\nX: y"), get("/a#b"), field}) {
        const HttpOutcome outcome = run(loop, ask(client, request));
        REQUIRE(outcome.failure);
        CHECK(outcome.failure->error.code == Errc::malformed);
    }
    CHECK(origin.connections() == 0);
}

TEST_CASE("options that cannot be used are refused when the client is made")
{
    asio::io_context loop;
    for (const std::string url :
         {"",
          "pacs.example.org",
          "ftp://pacs",
          "http://",
          "http://pacs:99999/",
          "http://pa%0d%0acs/"}) {
        CAPTURE(url);
        ClientOptions options;
        options.url = url;
        CHECK_THROWS(Client(loop.get_executor(), options));
    }
    ClientOptions options;
    options.url = "https://pacs";
    options.tls.ca = "/nonexistent.pem";
    CHECK_THROWS(Client(loop.get_executor(), options));
    options.tls = {};
    options.proxy = "proxy:3128";
    CHECK_THROWS(Client(loop.get_executor(), options));
}
