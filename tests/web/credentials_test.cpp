// What the client shows to prove who it is, and to whom.
#include "support/http_client.h"
#include "support/scratch_folder.h"
#include "support/scripted_origin.h"
#include "web/token_answer.h"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <vector>

using namespace gantry;
using namespace gantry::tests;
using namespace gantry::web;
using namespace std::chrono_literals;

namespace {

void write(const std::filesystem::path& path, std::string_view text)
{
    std::ofstream(path, std::ios::binary) << text;
}

// A later time stamp, whatever the clock's grain.
void rewrite(const std::filesystem::path& path, std::string_view text)
{
    const auto before = std::filesystem::last_write_time(path);
    write(path, text);
    std::filesystem::last_write_time(path, before + 1s);
}

std::string token(const char* value, int expires_in)
{
    return std::string(R"({"access_token":")") + value +
           R"(","token_type":"bearer","expires_in":)" + std::to_string(expires_in) + "}";
}

struct OAuth {
    OAuth()
    {
        write(folder.path() / "secret", "s3cr&t\n");
        options.url = origin.url();
        options.timeout = 20s;
        options.auth.kind = AuthOptions::Kind::oauth2;
        options.auth.token_url = endpoint.url("/oauth/token?tenant=1");
        options.auth.client_id = "gate way";
        options.auth.client_secret_file = folder.path() / "secret";
        options.auth.scope = "dicom.write dicom.read";
    }

    std::vector<std::string> shown() const
    {
        std::vector<std::string> result;
        for (const auto& request : origin.requests())
            result.emplace_back(request.fields.find("Authorization"));
        return result;
    }

    ScratchFolder folder;
    ScriptedOrigin endpoint;
    ScriptedOrigin origin;
    ClientOptions options;
    asio::io_context loop;
};

} // namespace

TEST_CASE("basic credentials come from a file")
{
    const ScratchFolder folder;
    write(folder.path() / "password", "open sesame\r\n");
    ScriptedOrigin origin;
    ClientOptions options;
    options.url = origin.url();
    options.auth.kind = AuthOptions::Kind::basic;
    options.auth.username = "Aladdin";
    options.auth.password_file = folder.path() / "password";
    asio::io_context loop;
    Client client(loop.get_executor(), options);
    ClientRequest request = get("/");
    request.fields.add("Authorization", "Basic other");
    CHECK(run(loop, ask(client, std::move(request))).status == 200);
    CHECK(origin.requests()[0].fields.count("Authorization") == 1);
    CHECK(
        origin.requests()[0].fields.find("Authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    );
    origin.then(Reply::with(401));
    CHECK(run(loop, ask(client, get("/"))).status == 401);
    CHECK(origin.requests().size() == 2); // nothing else could be shown
}

TEST_CASE("a bearer token is read anew when its file changes")
{
    const ScratchFolder folder;
    const auto file = folder.path() / "token";
    write(file, "one");
    ScriptedOrigin origin;
    ClientOptions options;
    options.url = origin.url();
    options.auth.kind = AuthOptions::Kind::bearer;
    options.auth.token_file = file;
    asio::io_context loop;
    Client client(loop.get_executor(), options);
    CHECK(run(loop, ask(client, get("/"))).status == 200);
    rewrite(file, "two");
    CHECK(run(loop, ask(client, get("/"))).status == 200);
    Reply refuses = Reply::with(401);
    refuses.before = [&] { rewrite(file, "three"); }; // renewed at the same moment
    origin.then(refuses);
    CHECK(run(loop, ask(client, get("/"))).status == 200);
    origin.then(Reply::with(401));
    CHECK(run(loop, ask(client, get("/"))).status == 401);
    std::vector<std::string> shown;
    for (const auto& request : origin.requests())
        shown.emplace_back(request.fields.find("Authorization"));
    const std::vector<std::string> expected{
        "Bearer one", "Bearer two", "Bearer two", "Bearer three", "Bearer three"
    };
    CHECK(shown == expected);
}

TEST_CASE("a secret that cannot be read is a failure before anything is sent")
{
    const ScratchFolder folder;
    ScriptedOrigin origin;
    ClientOptions options;
    options.url = origin.url();
    options.auth.kind = AuthOptions::Kind::bearer;
    options.auth.token_file = folder.path() / "token";
    asio::io_context loop;
    Client client(loop.get_executor(), options);
    for (const char* content : {"", "\n", "a\x01z"}) {
        CAPTURE(std::string(content));
        if (*content != '\0')
            write(options.auth.token_file, content);
        const HttpOutcome outcome = run(loop, ask(client, get("/")));
        REQUIRE(outcome.failure);
        CHECK(outcome.failure->phase == Phase::token);
        CHECK(outcome.failure->error.code == Errc::no_token);
        CHECK_FALSE(run(loop, client.check_credentials()).has_value());
    }
    CHECK(origin.connections() == 0);
    write(options.auth.token_file, "good");
    CHECK(run(loop, client.check_credentials()).has_value());
}

TEST_CASE("OAuth2 client credentials are exchanged for a token that serves until it is old")
{
    OAuth o;
    o.endpoint.otherwise(Reply::json(200, token("t1", 3600)));
    Client client(o.loop.get_executor(), o.options);
    for (int i = 0; i < 3; ++i)
        CHECK(run(o.loop, ask(client, get("/"))).status == 200);
    REQUIRE(o.endpoint.requests().size() == 1);
    const ReceivedRequest asked = o.endpoint.requests()[0];
    CHECK(asked.method == "POST");
    CHECK(asked.target == "/oauth/token?tenant=1");
    CHECK(asked.body == "grant_type=client_credentials&scope=dicom.write+dicom.read");
    CHECK(asked.fields.find("Content-Type") == "application/x-www-form-urlencoded");
    CHECK(
        asked.fields.find("Authorization") == "Basic Z2F0ZSt3YXk6czNjciUyNnQ="
    ); // gate+way:s3cr%26t
    CHECK(o.shown() == std::vector<std::string>(3, "Bearer t1"));
}

TEST_CASE("a token without life left is fetched anew for each request")
{
    OAuth o;
    o.endpoint.then(Reply::json(200, token("t1", 0))).then(Reply::json(200, token("t2", 3600)));
    Client client(o.loop.get_executor(), o.options);
    CHECK(run(o.loop, ask(client, get("/"))).status == 200);
    CHECK(run(o.loop, ask(client, get("/"))).status == 200);
    const std::vector<std::string> expected{"Bearer t1", "Bearer t2"};
    CHECK(o.shown() == expected);
}

TEST_CASE("requests that start together share one token request")
{
    OAuth o;
    o.endpoint.otherwise(Reply::json(200, token("t1", 3600)));
    Client client(o.loop.get_executor(), o.options);
    int ended = 0;
    auto one = [](Client& via) -> asio::awaitable<void> {
        const HttpOutcome outcome = co_await ask(via, get("/"));
        CHECK(outcome.status == 200);
    };
    for (int i = 0; i < 8; ++i)
        asio::co_spawn(o.loop, one(client), [&](std::exception_ptr) {
            if (++ended == 8)
                o.loop.stop();
        });
    o.loop.run_for(hang);
    CHECK(ended == 8);
    CHECK(o.endpoint.requests().size() == 1);
}

TEST_CASE("a 401 fetches a new token once and sends the whole body again")
{
    OAuth o;
    o.endpoint.then(Reply::json(200, token("t1", 3600)))
        .then(Reply::json(200, token("t2", 3600)))
        .then(Reply::json(200, token("t3", 3600)));
    o.origin.then(Reply::with(401, "expired")).then(Reply::with(200));
    Client client(o.loop.get_executor(), o.options);
    PatternSource body(300'000);
    CHECK(run(o.loop, ask(client, post("/studies", body))).status == 200);
    CHECK(o.origin.requests()[1].body_bytes == 300'000);
    CHECK(body.rewinds == 1);
    o.origin.then(Reply::with(401)).then(Reply::with(401));
    CHECK(run(o.loop, ask(client, get("/"))).status == 401);
    const std::vector<std::string> expected{"Bearer t1", "Bearer t2", "Bearer t2", "Bearer t3"};
    CHECK(o.shown() == expected);
}

TEST_CASE("a token endpoint that fails is a failure of the token phase and tells no secret")
{
    struct Row {
        const char* says;
        Reply reply;
        const char* detail;
    };

    const std::vector<Row> rows{
        {"refused",
         Reply::json(401, R"({"error":"invalid_client","error_description":"s3cr&t"})"),
         "token endpoint answered 401 (invalid_client)"},
        {"refused in its own words",
         Reply::json(400, R"({"error":"s3cr&t"})"),
         "token endpoint answered 400"},
        {"no JSON", Reply::with(200, "<html>s3cr&t"), "token endpoint's answer is no JSON object"},
        {"another type",
         Reply::json(200, R"({"access_token":"s3cr&t","token_type":"mac"})"),
         "token endpoint gave another type than Bearer"},
        {"no token",
         Reply::json(200, R"({"expires_in":3600})"),
         "token endpoint gave no access token"},
        {"a token that breaks lines",
         Reply::json(200, R"({"access_token":"a\r\nX: s3cr&t"})"),
         "token endpoint gave no access token"},
        {"no answer", Reply::only(Reply::End::close), "token endpoint: "},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        OAuth o;
        o.endpoint.otherwise(row.reply);
        Client client(o.loop.get_executor(), o.options);
        const HttpOutcome outcome = run(o.loop, ask(client, get("/")));
        REQUIRE(outcome.failure);
        CHECK(std::strcmp(to_string(outcome.failure->phase), "token") == 0);
        CHECK(outcome.failure->error.detail.starts_with(row.detail));
        CHECK(outcome.failure->error.text().find("s3cr") == std::string::npos);
        CHECK_FALSE(outcome.failure->body_sent);
        CHECK(o.origin.connections() == 0);
    }
}

TEST_CASE("the token goes to no other host")
{
    OAuth o;
    o.endpoint.otherwise(Reply::json(200, token("t1", 3600)));
    ScriptedOrigin other;
    Reply redirect = Reply::with(307);
    redirect.fields.add("Location", other.url("/"));
    o.origin.then(redirect);
    Client client(o.loop.get_executor(), o.options);
    CHECK(run(o.loop, ask(client, get("/"))).status == 307);
    CHECK(other.connections() == 0);
}

TEST_CASE("a token is renewed after four fifths of its life or a minute before its end")
{
    struct Row {
        int expires_in;
        int renew_after;
    };

    for (const Row& row :
         {Row{3600, 3540}, Row{300, 240}, Row{299, 239}, Row{100, 80}, Row{0, 0}}) {
        CAPTURE(row.expires_in);
        CHECK(renew_after(std::chrono::seconds(row.expires_in)).count() == row.renew_after);
    }
    CHECK(parse_token_answer(R"({"access_token":"t"})")->expires_in == 300s);
    CHECK(parse_token_answer(R"({"access_token":"t","expires_in":"60"})")->expires_in == 60s);
    CHECK(parse_token_answer(R"({"access_token":"t","expires_in":-1})")->expires_in == 0s);
    CHECK(parse_token_answer(R"({"access_token":"t","expires_in":1e300})")->expires_in < 1000h);
}
