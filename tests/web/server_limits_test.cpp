// The server and clients that do not mean well, or cannot do better.
#include <doctest/doctest.h>

#include <vector>

#include "server_under_test.h"

using namespace gantry;
using namespace gantry::tests;
using namespace gantry::web;
using namespace std::chrono_literals;

namespace {

std::string post_of(const std::string& fields, const std::string& body = {})
{
    return "POST /studies HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
}

} // namespace

TEST_CASE("a head that can be read in two ways, or in none, is refused")
{
    struct Row {
        const char* says;
        std::string request;
        int status;
    };

    const std::string x(5, 'x');
    const std::vector<Row> rows{
        {"both framings", post_of("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", x), 400},
        {"both, the other way",
         post_of("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", x),
         400},
        {"two lengths", post_of("Content-Length: 5\r\nContent-Length: 6\r\n", x), 400},
        {"negative length", post_of("Content-Length: -1\r\n"), 400},
        {"length with a sign", post_of("Content-Length: +5\r\n", x), 400},
        {"absurd length", post_of("Content-Length: 99999999999999999999\r\n"), 400},
        {"another coding", post_of("Transfer-Encoding: gzip\r\n"), 501},
        {"codings", post_of("Transfer-Encoding: gzip, chunked\r\n"), 501},
        {"chunked twice",
         post_of("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         400},
        {"chunked not last", post_of("Transfer-Encoding: chunked, identity\r\n"), 501},
        {"chunked in HTTP/1.0", "POST /studies HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400
        },
        {"folded field", "GET /studies HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
        {"LF alone", "GET /studies HTTP/1.1\nHost: x\n\n", 400},
        {"CR alone", "GET /studies HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400},
        {"space before the colon", "GET /studies HTTP/1.1\r\nHost : x\r\n\r\n", 400},
        {"no colon", "GET /studies HTTP/1.1\r\nHost\r\n\r\n", 400},
        {"no Host", "GET /studies HTTP/1.1\r\n\r\n", 400},
        {"two Hosts", "GET /studies HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"HTTP/1.2", "GET /studies HTTP/1.2\r\nHost: x\r\n\r\n", 505},
        {"no version", "GET /studies\r\n\r\n", 400},
        {"garbage", std::string("\x16\x03\x01\x02\x00\x01\r\n\r\n", 10), 400},
        {"NUL in the path", "GET /studies%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"CR LF in the path", "GET /studies%0d%0aX:y HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"bad percent", "GET /studies%4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"bad percent digits", "GET /studies%4g HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"encoded slash", "GET /studies%2f1 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"parent", "GET /studies/../x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"encoded parent", "GET /studies/%2e%2E/x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"no slash", "GET studies HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"fragment", "GET /studies#x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"not ASCII", "GET /studies\xC3\xA9 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"unknown expectation", post_of("Content-Length: 5\r\nExpect: 200-ok\r\n"), 417},
    };
    ServerUnderTest server;
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        RawClient client = server.client();
        client.send(row.request);
        CHECK(client.status() == row.status);
    }
    CHECK(server.seen.body_bytes == 0);
}

TEST_CASE("heads and targets above their limits are refused")
{
    ServerOptions options;
    options.max_header = Bytes{4'096};
    options.max_target = Bytes{1'024};
    ServerUnderTest server(options);
    const std::string tail = " HTTP/1.1\r\nHost: x\r\n\r\n";
    CHECK(server.status("GET /studies?" + std::string(1'000, 'x') + tail) == 200);
    CHECK(server.status("GET /studies?" + std::string(2'000, 'x') + tail) == 414);
    CHECK(server.status("GET /studies?" + std::string(2'000, 'x')) == 414); // without end
    const std::string head = "GET /studies HTTP/1.1\r\nHost: x\r\nX: ";
    CHECK(server.status(head + std::string(3'900, 'x') + "\r\n\r\n") == 200);
    CHECK(server.status(head + std::string(5'000, 'x') + "\r\n\r\n") == 431);
    CHECK(server.status(head + std::string(50'000, 'x')) == 431); // without end
    std::string many = "GET /studies HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 1'000; ++i)
        many += "X: y\r\n";
    CHECK(server.status(many) == 431);
}

TEST_CASE("a body above the limit is refused before it is read")
{
    ServerOptions options;
    options.max_body = Bytes{1'000'000};
    ServerUnderTest server(options);
    CHECK(server.status(post_of("Content-Length: 1000001\r\n")) == 413);
    CHECK(server.status(post_of("Content-Length: 1000001\r\nExpect: 100-continue\r\n")) == 413);
    CHECK(server.seen.body_bytes == 0);
    RawClient client = server.client(); // a client that sends on regardless still reads the answer
    client.send(post_of("Content-Length: 5000000\r\n"));
    (void)client.send(std::string(5'000'000, 'x'));
    CHECK(client.status() == 413);
    RawClient chunked = server.client();
    chunked.send(post_of("Transfer-Encoding: chunked\r\n"));
    const std::string chunk = "10000\r\n" + std::string(65'536, 'x') + "\r\n";
    for (int i = 0; i < 40; ++i)
        if (!chunked.send(chunk))
            break;
    CHECK(chunked.status() == 413);
    CHECK(server.seen.body_error == static_cast<int>(Errc::too_large));
    CHECK(server.seen.body_bytes <= 1'000'000);
}

TEST_CASE("100-continue is said when the body is first read, and only then")
{
    ServerUnderTest server;
    RawClient client = server.client();
    client.send(post_of("Content-Length: 5\r\nExpect: 100-Continue\r\n"));
    CHECK(client.response() == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    CHECK(client.response().ends_with("\r\n\r\n5"));
    client.send(
        "POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    );
    const std::string response = client.response();
    CHECK(RawClient::status_of(response) == 200);
    CHECK(
        response.find("Connection: close") != std::string::npos
    ); // or the body would be a request
    CHECK(client.closed());
}

TEST_CASE("a body that is not read closes the connection after the response")
{
    ServerUnderTest server;
    RawClient client = server.client();
    client.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n");
    client.send("GET /studies HTTP/1.1\r\nHost: x\r\n\r\n"); // is body, not a request
    const std::string response = client.response();
    CHECK(RawClient::status_of(response) == 200);
    CHECK(response.find("Connection: close") != std::string::npos);
    CHECK(client.closed());
}

TEST_CASE("a broken chunk is a bad request")
{
    for (const char* body :
         {"zz\r\n",
          "5 \r\nhello\r\n",
          "5\r\nhelloworld\r\n",
          "ffffffffffffffffff\r\n",
          "-5\r\nhello\r\n"}) {
        CAPTURE(std::string(body));
        ServerUnderTest server;
        RawClient client = server.client();
        client.send(post_of("Transfer-Encoding: chunked\r\n", body));
        CHECK(client.status() == 400);
        CHECK(server.seen.body_error == static_cast<int>(Errc::malformed));
    }
}

TEST_CASE("a client that cuts its body off leaves an error and no success")
{
    for (const char* framing : {"Content-Length: 10\r\n", "Transfer-Encoding: chunked\r\n"}) {
        CAPTURE(std::string(framing));
        ServerUnderTest server;
        RawClient client = server.client();
        client.send(post_of(framing, "5\r\nhello"));
        client.channel().half_close();
        CHECK(client.closed());
        CHECK(ServerUnderTest::becomes(server.seen.body_error, static_cast<int>(Errc::cut_off)));
    }
}

TEST_CASE("silence is ended at each stage of a request")
{
    const std::string request = "GET /studies HTTP/1.1\r\nHost: x\r\n\r\n";
    ServerOptions options;
    SUBCASE("before the first byte and between requests")
    {
        options.idle_timeout = 500ms;
        ServerUnderTest server(options);
        RawClient silent = server.client();
        RawClient between = server.client();
        between.send(request);
        CHECK(between.status() == 200);
        CHECK(between.closed());
        CHECK(silent.closed());
    }
    SUBCASE("a head without end")
    {
        options.header_timeout = 50ms;
        ServerUnderTest server(options);
        RawClient client = server.client();
        client.send("GET /studies HTTP/1.1\r\n");
        CHECK(client.status() == 408);
    }
    SUBCASE("a request without end")
    {
        options.body_timeout = 50ms;
        ServerUnderTest server(options);
        RawClient client = server.client();
        client.send(post_of("Content-Length: 10\r\n", "hello"));
        CHECK(client.status() == 408);
        CHECK(server.seen.body_error == static_cast<int>(Errc::timeout));
    }
}

TEST_CASE("a head that comes drop by drop does not last longer than its time")
{
    ServerOptions options;
    options.header_timeout = 100ms;
    options.idle_timeout = 10s;
    ServerUnderTest server(options);
    RawClient client = server.client();
    client.send("GET /studies HTTP/1.1\r\n");
    const auto began = std::chrono::steady_clock::now();
    while (!client.channel().wait_readable(10ms)) // a field every 10 ms resets nothing
        (void)client.send("X: y\r\n");
    CHECK(client.status() == 408);
    CHECK(std::chrono::steady_clock::now() - began < 20s);
}

TEST_CASE("a client that does not read its response is given up")
{
    ServerOptions options;
    options.body_timeout = 100ms;
    ServerUnderTest server(options);
    RawClient client = server.client();
    client.send("GET /stream?size=1000000&pieces=1000 HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(ServerUnderTest::becomes(server.seen.writes_failed, 1));
}

TEST_CASE("two hundred idle connections hold nobody up")
{
    ServerUnderTest server;
    std::vector<std::unique_ptr<RawClient>> idle;
    for (int i = 0; i < 200; ++i)
        idle.push_back(std::make_unique<RawClient>(server.port()));
    CHECK(server.status("GET /studies HTTP/1.1\r\nHost: x\r\n\r\n") == 200);
    for (auto& client : idle)
        client->send("GET /studies HTTP/1.1\r\nHost: x\r\n\r\n");
    for (auto& client : idle)
        CHECK(client->status() == 200);
}

TEST_CASE("an idle connection gives way when all places are taken, a busy one does not")
{
    ServerOptions options;
    options.max_connections = 2;
    ServerUnderTest server(options);
    RawClient busy = server.client();
    busy.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    REQUIRE(ServerUnderTest::becomes(server.seen.waiting, 1));
    RawClient idle = server.client();
    idle.send("GET /studies HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(idle.status() == 200);
    RawClient next = server.client();
    next.send("GET /studies HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(next.status() == 200);
    CHECK(idle.closed());
    CHECK(server.seen.cancelled == 0);
    CHECK(server.connections() == 2);
}
