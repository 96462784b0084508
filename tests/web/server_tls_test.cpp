// The server behind TLS: which clients it takes, and certificates that change while it runs.
#include "support/http_client.h"
#include "support/scratch_folder.h"
#include "support/test_ca.h"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <fstream>
#include <sstream>

#include "server_under_test.h"

using namespace gantry;
using namespace gantry::tests;
using namespace gantry::web;
using namespace std::chrono_literals;

namespace {

/// Asks over a new connection, trusting `ca`; 0 where no connection comes about.
int status_for(const ServerUnderTest& server, const TestCa& ca, TlsFiles own = {})
{
    const auto talk = [&]() -> asio::awaitable<HttpOutcome> {
        ClientOptions options;
        options.url = "https://127.0.0.1:" + std::to_string(server.port());
        options.tls = own;
        options.tls.ca = ca.certificate();
        Client client(co_await asio::this_coro::executor, options);
        auto request = get("/studies");
        HttpOutcome outcome = co_await ask(client, std::move(request));
        co_return outcome;
    };
    const HttpOutcome outcome = test::run(talk());
    return outcome.failure ? 0 : outcome.status;
}

bool becomes(const ServerUnderTest& server, const TestCa& ca, int status)
{
    for (const auto until = std::chrono::steady_clock::now() + 30s;
         std::chrono::steady_clock::now() < until;)
        if (status_for(server, ca) == status)
            return true;
    return false;
}

void replace(const std::filesystem::path& old, const std::filesystem::path& with)
{
    const auto beside = old.string() + ".new";
    std::filesystem::copy_file(with, beside, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::rename(beside, old);
}

class LogOfWeb {
public:
    LogOfWeb()
    {
        const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
        spdlog::register_logger(std::make_shared<spdlog::logger>("web", sink));
    }

    ~LogOfWeb() { spdlog::drop("web"); }

    LogOfWeb(const LogOfWeb&) = delete;
    LogOfWeb& operator=(const LogOfWeb&) = delete;

    /// Once the server is gone.
    std::string text() const { return text_.str(); }

private:
    std::ostringstream text_;
};

} // namespace

TEST_CASE("clients must show a certificate where an authority is configured for them")
{
    const ScratchFolder folder;
    TestCa ca(folder.path());
    TestCa stranger(folder.path(), "stranger");
    ServerOptions options;
    options.tls = ca.issue("127.0.0.1");
    {
        const ServerUnderTest open(options);
        CHECK(status_for(open, ca) == 200);
        CHECK(status_for(open, stranger) == 0);
    }
    options.tls->ca = ca.certificate();
    const ServerUnderTest server(options);
    CHECK(status_for(server, ca) == 0);
    CHECK(status_for(server, ca, stranger.issue("client")) == 0);
    CHECK(status_for(server, ca, ca.issue("client")) == 200);
}

TEST_CASE("a renewed certificate is shown to the next client without a restart")
{
    const LogOfWeb log;
    {
        const ScratchFolder folder;
        TestCa ca(folder.path());
        TestCa renewed(folder.path(), "renewed");
        ServerOptions options;
        options.tls = ca.issue("127.0.0.1");
        options.tls_check = 10ms;
        const ServerUnderTest server(options);
        CHECK(status_for(server, ca) == 200);
        const TlsFiles files = renewed.issue("127.0.0.1");
        replace(options.tls->certificate, files.certificate);
        replace(options.tls->private_key, files.private_key);
        CHECK(becomes(server, renewed, 200));
        CHECK(status_for(server, ca) == 0);
    }
    CHECK(log.text().find("certificate taken anew file=") != std::string::npos);
}

TEST_CASE("files that cannot be used leave the old certificate and are named in the log")
{
    const LogOfWeb log;
    {
        const ScratchFolder folder;
        TestCa ca(folder.path());
        ServerOptions options;
        options.tls = ca.issue("127.0.0.1");
        options.tls_check = 1h;
        ServerUnderTest server(options);
        SUBCASE("no certificate")
        {
            std::ofstream(options.tls->certificate) << "not a certificate\n";
        }
        SUBCASE("the key of another certificate")
        {
            replace(options.tls->private_key, ca.issue("127.0.0.1").private_key);
        }
        SUBCASE("no file")
        {
            std::filesystem::remove(options.tls->private_key);
        }
        server.reload();
        server.reload();
        CHECK(status_for(server, ca) == 200);
    }
    const std::string text = log.text();
    const std::string line = "certificate not renewed, the old one stays reason=";
    const auto first = text.find(line);
    REQUIRE(first != std::string::npos);
    CHECK(text.find(line, first + 1) == std::string::npos); // said once
}
