// The server and clients that mean well.
#include "support/http_client.h"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "server_under_test.h"

using namespace gantry;
using namespace gantry::tests;
using namespace gantry::web;
using namespace std::chrono_literals;

namespace {

std::string get_of(const std::string& target, const std::string& fields = {})
{
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

std::string body_of(const std::string& response)
{
    return response.substr(std::min(response.find("\r\n\r\n") + 4, response.size()));
}

} // namespace

TEST_CASE("a request finds its route with its parameters decoded once")
{
    struct Row {
        const char* target;
        int status;
        const char* says;
    };

    const Row rows[] = {
        {"/studies", 200, "GET /studies?"},
        {"/studies/", 200, "GET /studies/?"},
        {"/studies?limit=1&x=%41", 200, "GET /studies?limit=1&x=%41"},
        {"/studies/1.2/series/3%2E4", 200, "GET /studies/1.2/series/3.4? study=1.2 series=3.4"},
        {"/studies/a%2541/series/b", 200, "GET /studies/a%41/series/b? study=a%41 series=b"},
        {"http://host:80/studies?x=1", 200, "GET /studies?x=1"},
        {"/studies/1.2", 404, ""},
        {"/studies//series/1", 404, ""},
        {"/", 404, ""},
        {"*", 404, ""},
        {"/wai%74/", 405, ""},
    };
    ServerUnderTest server;
    for (const Row& row : rows) {
        CAPTURE(std::string(row.target));
        const bool post = row.status == 405;
        std::string request = get_of(row.target);
        if (post)
            request.replace(0, 3, "PUT");
        const std::string response = server.exchange(request);
        CHECK(RawClient::status_of(response) == row.status);
        if (row.status == 200)
            CHECK(body_of(response) == row.says);
    }
}

TEST_CASE("responses carry what every response must")
{
    ServerUnderTest server;
    const std::string response = server.exchange(get_of("/studies"));
    for (const char* field :
         {"\r\nDate: ",
          " GMT\r\n",
          "\r\nServer: gantry\r\n",
          "\r\nX-Request-Id: 1\r\n",
          "\r\nX-Content-Type-Options: nosniff\r\n",
          "\r\nCache-Control: no-store\r\n",
          "\r\nContent-Type: text/plain\r\n",
          "\r\nContent-Length: 13\r\n"}) {
        CAPTURE(std::string(field));
        CHECK(response.find(field) != std::string::npos);
    }
    CHECK(server.exchange(get_of("/studies")).find("X-Request-Id: 2\r\n") != std::string::npos);
}

TEST_CASE("a known path with another method says which are allowed")
{
    ServerUnderTest server;
    const std::string response = server.exchange("DELETE /studies HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(RawClient::status_of(response) == 405);
    CHECK(response.find("\r\nAllow: GET, HEAD, OPTIONS, POST\r\n") != std::string::npos);
    CHECK(response.find("application/problem+json") != std::string::npos);
    CHECK(server.status("TRACE /studies HTTP/1.1\r\nHost: x\r\n\r\n") == 501);
    CHECK(server.status("get /studies HTTP/1.1\r\nHost: x\r\n\r\n") == 501);
    CHECK(server.status("CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n") == 501);
}

TEST_CASE("HEAD is answered by the GET route without its body")
{
    ServerUnderTest server;
    RawClient client = server.client();
    client.send(
        "HEAD /studies HTTP/1.1\r\nHost: x\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n" +
        get_of("/studies", "Connection: close\r\n")
    );
    const std::string all = client.rest();
    CHECK(all.find("Content-Length: 14") != std::string::npos);
    CHECK(all.find("HEAD /studies?") == std::string::npos);
    CHECK(all.find("xxx") == std::string::npos);
    CHECK(all.find("Transfer-Encoding") == std::string::npos);
    CHECK(all.ends_with("GET /studies?"));
}

TEST_CASE("pipelined requests are answered in order however they are cut")
{
    ServerUnderTest server;
    std::string requests;
    for (int i = 0; i < 50; ++i) {
        requests += get_of("/studies?" + std::to_string(i));
        requests += "POST /studies HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
        requests += "POST /studies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: 1\r\n\r\n\r\n";
    }
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, requests.size()}) {
        CAPTURE(piece);
        RawClient client = server.client();
        std::string tail = requests;
        for (std::size_t at = 0; at < requests.size(); at += piece)
            REQUIRE(client.send(std::string_view(requests).substr(at, piece)));
        for (int i = 0; i < 50; ++i) {
            CHECK(body_of(client.response()) == "GET /studies?" + std::to_string(i));
            CHECK(body_of(client.response()) == "5");
            CHECK(body_of(client.response()) == "7");
        }
    }
}

TEST_CASE("a large body passes through in pieces with bounded memory")
{
    ServerUnderTest server;
    asio::io_context loop;
    ClientOptions options;
    options.url = server.url();
    Client client(loop.get_executor(), options);
    constexpr std::uint64_t size = 500'000'000;
    PatternSource body(size);
    const HttpOutcome outcome = run(loop, ask(client, post("/studies", body)));
    CHECK(outcome.body == std::to_string(size));
}

TEST_CASE("a response in pieces is chunked, or as long as promised")
{
    ServerUnderTest server;
    RawClient client = server.client();
    client.send(get_of("/stream?size=17") + get_of("/stream?length=30"));
    client.send("GET /stream HTTP/1.0\r\n\r\n");
    const std::string all = client.rest();
    CHECK(
        all.find("Transfer-Encoding: chunked\r\n\r\n11\r\nxxxxxxxxxxxxxxxxx\r\n11\r\n") !=
        std::string::npos
    );
    CHECK(all.find("x\r\n0\r\n\r\nHTTP/1.1 200") != std::string::npos);
    CHECK(all.find("Content-Length: 30\r\n\r\n" + std::string(30, 'x')) != std::string::npos);
    CHECK(
        all.find("Connection: close\r\n\r\n" + std::string(30, 'x')) != std::string::npos
    ); // HTTP/1.0
}

TEST_CASE("a response that is begun and not finished is cut off in the client's sight")
{
    ServerUnderTest server;
    for (const char* query :
         {"finish=0", "throw=1", "length=31", "length=29", "length=31&throw=1"}) {
        CAPTURE(std::string(query));
        RawClient client = server.client();
        client.send(get_of(std::string("/stream?") + query));
        const std::string all = client.rest();
        CHECK(all.starts_with("HTTP/1.1 200"));
        CHECK(all.find("0\r\n\r\n") == std::string::npos);
        CHECK_FALSE(all.ends_with(std::string(31, 'x')));
        CHECK(all.find("secret") == std::string::npos);
    }
}

TEST_CASE("a handler that fails before its response is a 500 that tells nothing")
{
    ServerUnderTest server;
    RawClient client = server.client();
    for (const char* target : {"/throw", "/silent", "/stream?pieces=0&throw=1"}) {
        CAPTURE(std::string(target));
        client.send(get_of(target));
        const std::string response = client.response();
        CHECK(RawClient::status_of(response) == 500);
        CHECK(response.find("application/problem+json") != std::string::npos);
        CHECK(response.find("secret") == std::string::npos);
    }
    client.send(get_of("/studies"));
    CHECK(client.status() == 200); // the connection lives
}

TEST_CASE("a client that goes away ends its handler")
{
    struct Row {
        const char* says;
        std::string request;
        bool reset;
    };

    const Row rows[] = {
        {"GET, closed", get_of("/wait"), false},
        {"GET, reset", get_of("/wait"), true},
        {"POST whose body was read",
         "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
         false},
        {"with a pipelined request behind", get_of("/wait") + get_of("/studies"), true},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        ServerUnderTest server;
        RawClient client = server.client();
        client.send(row.request);
        REQUIRE(ServerUnderTest::becomes(server.seen.waiting, 1));
        CHECK(server.seen.cancelled == 0);
        if (row.reset)
            client.channel().reset();
        else
            client.channel().close();
        CHECK(ServerUnderTest::becomes(server.seen.cancelled, 1));
    }
}

TEST_CASE("a client that goes when it has everything has not gone away")
{
    std::ostringstream text;
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
    spdlog::register_logger(std::make_shared<spdlog::logger>("web", sink));
    {
        ServerUnderTest server;
        {
            RawClient client = server.client();
            client.send(get_of("/stream?length=30&wait=1"));
            CHECK(client.response().ends_with(std::string(30, 'x')));
        }
        CHECK(ServerUnderTest::becomes(server.seen.cancelled, 1));
        server.stop();
    }
    spdlog::drop("web");
    CHECK(text.str().find("path=/stream status=200") != std::string::npos);
}

TEST_CASE("stopping ends handlers and idle connections")
{
    ServerUnderTest server;
    RawClient idle = server.client();
    idle.send(get_of("/studies"));
    CHECK(idle.status() == 200);
    RawClient busy = server.client();
    busy.send(get_of("/wait"));
    REQUIRE(ServerUnderTest::becomes(server.seen.waiting, 1));
    server.stop();
    CHECK(server.seen.cancelled == 1);
    CHECK(idle.closed());
    CHECK(busy.closed());
    CHECK(server.connections() == 0);
}

TEST_CASE("draining closes what is idle and lets what runs finish")
{
    ServerUnderTest server;
    RawClient idle = server.client();
    idle.send(get_of("/studies"));
    CHECK(idle.status() == 200);
    RawClient busy = server.client();
    busy.send("POST /studies HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello");
    while (server.seen.body_bytes != 5)
        std::this_thread::yield();
    server.drain();
    CHECK(idle.closed());
    busy.send("world" + get_of("/studies"));
    const std::string response = busy.response();
    CHECK(RawClient::status_of(response) == 200);
    CHECK(response.find("Connection: close") != std::string::npos);
    CHECK(busy.rest().empty()); // the pipelined request is not answered
}

TEST_CASE("the gate answers in place of the handler")
{
    std::atomic<int> asked{0};
    auto refuse = [&](const Request& request) -> asio::awaitable<std::optional<ResponseHead>> {
        ++asked;
        if (request.fields.has("Authorization"))
            co_return std::nullopt;
        ResponseHead head;
        head.status = 401;
        head.fields.add("WWW-Authenticate", "Bearer realm=\"gantry\"");
        co_return head;
    };
    ServerUnderTest server({}, refuse);
    const std::string refused = server.exchange(get_of("/studies"));
    CHECK(RawClient::status_of(refused) == 401);
    CHECK(refused.find("WWW-Authenticate: Bearer") != std::string::npos);
    CHECK(server.status(get_of("/studies", "Authorization: Bearer x\r\n")) == 200);
    CHECK(server.status(get_of("/nope")) == 404);
    CHECK(asked == 2);
}

TEST_CASE("a request leaves one line in the log and its query none")
{
    std::ostringstream text;
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
    const auto logger = std::make_shared<spdlog::logger>("web", sink);
    spdlog::register_logger(logger);
    {
        ServerUnderTest server;
        CHECK(
            server.status(get_of("/studies?PatientName=DOE", "Authorization: Bearer s3cret\r\n")) ==
            200
        );
        CHECK(server.status(get_of("/nope?PatientName=DOE")) == 404);
        CHECK(server.status(get_of("/studies/..?PatientName=DOE")) == 400);
    }
    spdlog::drop("web");
    const std::string log = text.str();
    CHECK(std::ranges::count(log, '\n') == 3);
    CHECK(log.find("method=GET path=/studies status=200 received=0 sent=") != std::string::npos);
    CHECK(log.find("path=/nope status=404") != std::string::npos);
    CHECK(log.find("DOE") == std::string::npos);
    CHECK(log.find("s3cret") == std::string::npos);
}
