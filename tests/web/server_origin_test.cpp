// Pages that were loaded elsewhere: who may ask, and what they may read of the answer.
#include <doctest/doctest.h>

#include <vector>

#include "server_under_test.h"

using namespace gantry;
using namespace gantry::tests;
using namespace gantry::web;

namespace {

const std::string viewer = "http://localhost:3000";

ServerOptions allowing(std::vector<std::string> origins)
{
    ServerOptions options;
    options.cors.origins = std::move(origins);
    return options;
}

std::string request_of(const std::string& line, const std::string& fields)
{
    return line + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

std::string
preflight_of(const std::string& target, const std::string& origin, const std::string& more = {})
{
    return request_of(
        "OPTIONS " + target,
        "Origin: " + origin + "\r\nAccess-Control-Request-Method: GET\r\n" + more
    );
}

bool has(const std::string& response, const std::string& field)
{
    return response.find("\r\n" + field + "\r\n") != std::string::npos;
}

bool names(const std::string& response, const std::string& field)
{
    return response.find("\r\n" + field + ": ") != std::string::npos;
}

} // namespace

TEST_CASE("a viewer from a configured origin may ask with what it needs")
{
    ServerUnderTest server(allowing({"https://other.example.org", viewer}));
    const std::string response = server.exchange(preflight_of(
        "/studies/1.2/series/3", viewer, "Access-Control-Request-Headers: accept, range\r\n"
    ));
    CHECK(RawClient::status_of(response) == 204);
    CHECK(has(response, "Access-Control-Allow-Origin: " + viewer));
    CHECK(has(response, "Access-Control-Allow-Credentials: true"));
    CHECK(has(response, "Access-Control-Allow-Methods: GET, HEAD, OPTIONS"));
    CHECK(has(response, "Access-Control-Allow-Headers: accept, range"));
    CHECK(has(response, "Access-Control-Max-Age: 7200"));
    CHECK(has(response, "Vary: Origin"));
    const std::string unnamed = server.exchange(preflight_of("/studies", viewer));
    for (const char* field : {"Authorization", "Accept", "Content-Type", "Range", "If-None-Match"})
        CHECK(unnamed.find(std::string(" ") + field) != std::string::npos);
    CHECK(has(unnamed, "Access-Control-Allow-Methods: GET, HEAD, OPTIONS, POST"));
    const std::string local = server.exchange(
        preflight_of("/studies", viewer, "Access-Control-Request-Private-Network: true\r\n")
    );
    CHECK(has(local, "Access-Control-Allow-Private-Network: true"));
}

TEST_CASE("what a page from elsewhere may read is on every answer and on errors too")
{
    ServerUnderTest server(allowing({viewer}));

    struct Row {
        const char* line;
        int status;
    };

    const Row rows[] = {
        {"GET /studies", 200},
        {"GET /stream", 200},
        {"GET /nope", 404},
        {"PUT /studies", 405},
        {"GET /throw", 500},
        {"GET /studies/..", 400},
        {"OPTIONS /nope", 404},
        {"BREW /studies", 501},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.line));
        const std::string response =
            server.exchange(request_of(row.line, "Origin: " + viewer + "\r\n"));
        CHECK(RawClient::status_of(response) == row.status);
        CHECK(has(response, "Access-Control-Allow-Origin: " + viewer));
        CHECK(has(response, "Vary: Origin"));
        CHECK(response.find("Access-Control-Expose-Headers: ") != std::string::npos);
        for (const char* field :
             {"Content-Location", "ETag", "Warning", "Location", "Content-Range"})
            CHECK(response.find(field) != std::string::npos);
    }
}

TEST_CASE("a page from an origin that nobody configured gets no leave")
{
    ServerUnderTest server(allowing({viewer}));
    for (const char* origin :
         {"http://localhost:3001",
          "http://localhost",
          "https://localhost:3000",
          "null",
          "*",
          "http://localhost:3000.evil.example"}) {
        CAPTURE(std::string(origin));
        const std::string asked = server.exchange(preflight_of("/studies", origin));
        CHECK(!names(asked, "Access-Control-Allow-Origin"));
        const std::string got =
            server.exchange(request_of("GET /studies", "Origin: " + std::string(origin) + "\r\n"));
        CHECK(RawClient::status_of(got) == 200); // the browser keeps it from the page
        CHECK(!names(got, "Access-Control-Allow-Origin"));
        CHECK(has(got, "Vary: Origin"));
    }
    ServerUnderTest closed;
    const std::string response = closed.exchange(preflight_of("/studies", viewer));
    CHECK(!names(response, "Access-Control-Allow-Origin"));
    CHECK(!has(response, "Vary: Origin"));
}

TEST_CASE("every origin may ask where that is configured but brings no credentials")
{
    ServerUnderTest server(allowing({"*"}));
    const std::string response = server.exchange(preflight_of("/studies", "null"));
    CHECK(has(response, "Access-Control-Allow-Origin: *"));
    CHECK(!names(response, "Access-Control-Allow-Credentials"));
}

TEST_CASE("a preflight with field names that are none is told the usual ones")
{
    ServerUnderTest server(allowing({viewer}));
    for (const char* names_asked : {"a b", "x, ,y", "a;b"}) {
        CAPTURE(std::string(names_asked));
        const std::string response = server.exchange(preflight_of(
            "/studies",
            viewer,
            "Access-Control-Request-Headers: " + std::string(names_asked) + "\r\n"
        ));
        CHECK(response.find("Access-Control-Allow-Headers: Authorization, ") != std::string::npos);
    }
}

TEST_CASE("a preflight passes the gate and every other OPTIONS does not")
{
    auto refuse = [](const Request&) -> asio::awaitable<std::optional<ResponseHead>> {
        ResponseHead head;
        head.status = 401;
        head.fields.add("WWW-Authenticate", "Bearer realm=\"gantry\"");
        co_return head;
    };
    ServerUnderTest server(allowing({viewer}), refuse);
    CHECK(server.status(preflight_of("/studies", viewer)) == 204);
    CHECK(server.status(preflight_of("/nope", viewer)) == 204);
    for (const char* line :
         {"GET /studies", "OPTIONS /studies", "OPTIONS /wait", "OPTIONS *", "POST /studies"}) {
        CAPTURE(std::string(line));
        const std::string response =
            server.exchange(request_of(line, "Origin: " + viewer + "\r\n"));
        CHECK(RawClient::status_of(response) == 401);
        CHECK(has(response, "Content-Type: application/problem+json"));
        CHECK(has(response, "Access-Control-Allow-Origin: " + viewer));
        CHECK(response.find("\"status\":401") != std::string::npos);
    }
}

TEST_CASE("OPTIONS names the methods of a path and of the whole server")
{
    ServerUnderTest server;
    const std::string path = server.exchange(request_of("OPTIONS /wait", ""));
    CHECK(RawClient::status_of(path) == 204);
    CHECK(has(path, "Allow: GET, HEAD, POST, OPTIONS"));
    const std::string all = server.exchange(request_of("OPTIONS *", ""));
    CHECK(RawClient::status_of(all) == 204);
    CHECK(has(all, "Allow: GET, HEAD, OPTIONS, POST"));
    CHECK(server.status(request_of("OPTIONS /nope", "")) == 404);
}
