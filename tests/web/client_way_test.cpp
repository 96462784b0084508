// The ways to an origin: TLS, proxies, and what is not accepted on them.
#include "support/http_client.h"
#include "support/scratch_folder.h"
#include "support/scripted_origin.h"
#include "support/test_ca.h"

#include <doctest/doctest.h>

#include <vector>

#include "server_under_test.h"

using namespace gantry;
using namespace gantry::tests;
using namespace gantry::web;
using namespace std::chrono_literals;

namespace {

ClientOptions options_for(const std::string& url)
{
    ClientOptions options;
    options.url = url;
    options.timeout = 20s;
    options.connect_timeout = 20s;
    return options;
}

HttpOutcome ask_once(ClientOptions options)
{
    asio::io_context loop;
    Client client(loop.get_executor(), std::move(options));
    PatternSource body(300'000);
    return run(loop, ask(client, post("/studies", body)));
}

std::string with_host(const ScriptedOrigin& origin, const char* host)
{
    return "https://" + std::string(host) + ":" + std::to_string(origin.port());
}

} // namespace

TEST_CASE("a certificate is accepted from a known authority for the right host and no other")
{
    const ScratchFolder folder;
    TestCa ca(folder.path());
    TestCa other(folder.path(), "other");

    struct Row {
        const char* says;
        TestCa& issuer;
        const char* name;
        const char* asked;
        bool own_ca;
        bool accepted;
    };

    const Row rows[] = {
        {"own authority, address", ca, "127.0.0.1", "127.0.0.1", true, true},
        {"own authority, name", ca, "localhost", "localhost", true, true},
        {"name in another case", ca, "localhost", "LOCALHOST", true, true},
        {"another name", ca, "pacs.example.org", "localhost", true, false},
        {"another address", ca, "127.0.0.2", "127.0.0.1", true, false},
        {"a name where an address was asked", ca, "localhost", "127.0.0.1", true, false},
        {"unknown authority", other, "localhost", "localhost", true, false},
        {"no authority of its own", ca, "localhost", "localhost", false, false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        ScriptedOrigin origin(row.issuer.issue(row.name));
        ClientOptions options = options_for(with_host(origin, row.asked));
        if (row.own_ca)
            options.tls.ca = ca.certificate();
        const HttpOutcome outcome = ask_once(options);
        CHECK((outcome.status == 200) == row.accepted);
        if (!row.accepted) {
            REQUIRE(outcome.failure);
            CHECK(outcome.failure->phase == Phase::tls);
            CHECK(outcome.failure->error.code == Errc::certificate);
            CHECK(outcome.failure->certificate);
            CHECK_FALSE(outcome.failure->body_sent);
            CHECK(origin.requests().empty());
        } else {
            CHECK(origin.requests()[0].body_bytes == 300'000);
        }
    }
}

TEST_CASE("a client certificate is shown where the origin asks for one")
{
    const ScratchFolder folder;
    TestCa ca(folder.path());
    TlsFiles server = ca.issue("localhost");
    server.ca = ca.certificate();
    ScriptedOrigin origin(server);
    ClientOptions options = options_for(with_host(origin, "localhost"));
    options.tls.ca = ca.certificate();
    const HttpOutcome without = ask_once(options);
    REQUIRE(without.failure);
    CHECK_FALSE(without.failure->certificate); // the server's was fine
    CHECK(origin.requests().empty());
    options.tls = ca.issue("gantry");
    options.tls.ca = ca.certificate();
    CHECK(ask_once(options).status == 200);
}

TEST_CASE("early answers and keep-alive work through TLS as well")
{
    const ScratchFolder folder;
    TestCa ca(folder.path());
    ScriptedOrigin origin(ca.issue("localhost"));
    origin.then(Reply::with(200, std::string(1'000'000, 'y'))).then(Reply::early(413, 1000));
    asio::io_context loop;
    ClientOptions options = options_for(with_host(origin, "localhost"));
    options.tls.ca = ca.certificate();
    Client client(loop.get_executor(), options);
    PatternSource body(64'000'000);
    CHECK(run(loop, ask(client, get("/a"))).body == std::string(1'000'000, 'y'));
    CHECK(run(loop, ask(client, post("/b", body))).status == 413);
    CHECK(origin.connections() == 1);
    body.rewind();
    CHECK(run(loop, ask(client, post("/c", body))).status == 200);
    CHECK(origin.connections() == 2);
    CHECK(origin.requests()[2].body_bytes == 64'000'000);
}

TEST_CASE("what is no TLS is a failure of the TLS phase")
{
    ServerUnderTest plain; // answers the handshake with a 400
    const HttpOutcome outcome =
        ask_once(options_for("https://127.0.0.1:" + std::to_string(plain.port())));
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->phase == Phase::tls);
    CHECK(outcome.failure->error.code == Errc::tls_failed);
    CHECK_FALSE(outcome.failure->certificate);
}

TEST_CASE("a proxy is told the whole URL of an http origin")
{
    ScriptedOrigin proxy;
    ClientOptions options = options_for("http://pacs.example.org/dicom-web");
    options.proxy = "http://user:pass%20word@127.0.0.1:" + std::to_string(proxy.port());
    CHECK(ask_once(options).status == 200);
    const ReceivedRequest received = proxy.requests().at(0);
    CHECK(received.target == "http://pacs.example.org/dicom-web/studies");
    CHECK(received.fields.find("Host") == "pacs.example.org");
    CHECK(received.fields.find("Proxy-Authorization") == "Basic dXNlcjpwYXNzIHdvcmQ=");
    CHECK(received.body_bytes == 300'000);
}

TEST_CASE("an https origin is reached through a tunnel that the proxy cannot look into")
{
    const ScratchFolder folder;
    TestCa ca(folder.path());
    ScriptedOrigin origin(ca.issue("localhost"));
    ScriptedOrigin proxy;
    Reply tunnel;
    tunnel.tunnel_to = origin.port();
    proxy.then(tunnel);
    ClientOptions options = options_for(with_host(origin, "localhost"));
    options.tls.ca = ca.certificate();
    options.proxy = proxy.url();
    const HttpOutcome outcome = ask_once(options);
    CHECK(outcome.status == 200);
    CHECK(proxy.requests()[0].method == "CONNECT");
    CHECK(proxy.requests()[0].target == "localhost:" + std::to_string(origin.port()));
    CHECK(origin.requests()[0].target == "/studies");
    CHECK(origin.requests()[0].body_bytes == 300'000);
    CHECK_FALSE(origin.requests()[0].fields.has("Proxy-Authorization"));
}

TEST_CASE("a proxy that refuses or fails is a failure of the proxy phase")
{
    struct Row {
        const char* says;
        Reply reply;
        Errc error;
    };

    Reply talks;
    talks.raw = "HTTP/1.1 200 OK\r\n\r\nwhat comes too early";
    talks.end = Reply::End::stall;
    const std::vector<Row> rows{
        {"forbidden", Reply::with(403), Errc::proxy_refused},
        {"wants credentials", Reply::with(407, "who are you"), Errc::proxy_refused},
        {"closes", Reply::only(Reply::End::close), Errc::cut_off},
        {"is silent", Reply::only(Reply::End::stall), Errc::timeout},
        {"talks too early", talks, Errc::malformed},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        ScriptedOrigin proxy;
        proxy.then(row.reply);
        ClientOptions options = options_for("https://pacs.example.org");
        options.proxy = proxy.url();
        if (row.error == Errc::timeout)
            options.connect_timeout = 100ms;
        const HttpOutcome outcome = ask_once(options);
        REQUIRE(outcome.failure);
        CHECK(outcome.failure->phase == Phase::proxy);
        CHECK(outcome.failure->error.code == row.error);
    }
    ClientOptions options = options_for("http://pacs.example.org");
    {
        ScriptedOrigin gone;
        options.proxy = gone.url();
    }
    const HttpOutcome outcome = ask_once(options);
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->phase == Phase::proxy);
}

TEST_CASE("a TLS handshake that stalls is a timeout of its phase")
{
    asio::io_context loop;
    asio::ip::tcp::acceptor silent(loop, {asio::ip::address_v4::loopback(), 0});
    ClientOptions options =
        options_for("https://127.0.0.1:" + std::to_string(silent.local_endpoint().port()));
    options.connect_timeout = 100ms;
    const HttpOutcome outcome = ask_once(options);
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->phase == Phase::tls);
    CHECK(outcome.failure->error.code == Errc::timeout);
}

TEST_CASE("the server speaks TLS with whom it should")
{
    const ScratchFolder folder;
    TestCa ca(folder.path());
    TestCa other(folder.path(), "other");
    ServerOptions server_options;
    server_options.tls = ca.issue("localhost");
    server_options.header_timeout = 20s;
    {
        ServerUnderTest server(server_options);
        ClientOptions options = options_for("https://localhost:" + std::to_string(server.port()));
        options.tls.ca = ca.certificate();
        const HttpOutcome outcome = ask_once(options);
        CHECK(outcome.status == 200);
        CHECK(outcome.body == "300000");
        CHECK(outcome.fields.has("Strict-Transport-Security"));
        RawClient plain = server.client();
        plain.send("GET /studies HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(plain.rest().find("HTTP/1.1") == std::string::npos);
    }
    server_options.tls->ca = ca.certificate();
    ServerUnderTest server(server_options);
    ClientOptions options = options_for("https://localhost:" + std::to_string(server.port()));
    options.tls.ca = ca.certificate();
    CHECK(ask_once(options).failure); // no certificate
    options.tls = other.issue("stranger");
    options.tls.ca = ca.certificate();
    CHECK(ask_once(options).failure);
    options.tls = ca.issue("friend");
    options.tls.ca = ca.certificate();
    CHECK(ask_once(options).status == 200);
    CHECK(server.seen.body_bytes == 300'000);
}

TEST_CASE("TLS files that cannot be used are named when the server is made")
{
    const ScratchFolder folder;
    TestCa ca(folder.path());
    const TlsFiles good = ca.issue("localhost");
    TlsFiles mixed = good;
    mixed.private_key = ca.issue("localhost").private_key;
    TlsFiles missing = good;
    missing.certificate = "/nonexistent.pem";
    asio::io_context loop;
    const Router router;
    for (const TlsFiles& files : {mixed, missing, TlsFiles{}}) {
        ServerOptions options;
        options.tls = files;
        CHECK_THROWS_AS(Server(loop.get_executor(), options, router), std::runtime_error);
    }
}
