#include "gateway/error.h"
#include "gateway/operation/admin_routes.h"
#include "support/run.h"

#include <doctest/doctest.h>

using namespace gantry;
using namespace gantry::operation;

namespace {

class NoBody final : public web::RequestBody {
public:
    asio::awaitable<Result<ConstBytes>> read() override { co_return ConstBytes(); }
};

class Kept final : public web::Response {
public:
    asio::awaitable<Result<void>> send(web::ResponseHead h, std::string b) override
    {
        head = std::move(h);
        body = std::move(b);
        co_return Result<void>();
    }

    asio::awaitable<Result<void>> begin(web::ResponseHead, std::optional<std::uint64_t>) override
    {
        co_return error(Errc::unsupported);
    }

    asio::awaitable<Result<void>> write(ConstBytes) override { co_return error(Errc::unsupported); }

    asio::awaitable<Result<void>> finish() override { co_return error(Errc::unsupported); }

    bool begun() const noexcept override { return false; }

    web::ResponseHead head;
    std::string body;
};

asio::awaitable<Result<StatusReport>> good_status()
{
    StatusReport report;
    report.ae_title = "GANTRY";
    report.associations = 5;
    co_return report;
}

asio::awaitable<Result<StatusReport>> no_status()
{
    co_return error(Errc::database, "disk I/O error");
}

struct Admin {
    explicit Admin(StatusSource status, std::optional<std::string> not_ready = std::nullopt)
    {
        AdminSources sources;
        sources.status = std::move(status);
        sources.not_ready = [not_ready] { return not_ready; };
        add_admin_routes(router, std::move(sources), metrics);
    }

    Kept get(const char* path)
    {
        const auto match = router.match(web::Method::get, path);
        REQUIRE(match.handler != nullptr);
        Kept response;
        NoBody body;
        web::Request request;
        test::run((*match.handler)(request, body, response));
        return response;
    }

    Metrics metrics;
    web::Router router;
};

} // namespace

TEST_CASE("the admin address answers health, readiness, metrics, status and the page")
{
    Admin admin([] { return good_status(); });
    CHECK(admin.get("/healthz").head.status == 200);
    CHECK(admin.get("/readyz").head.status == 200);
    CHECK(admin.get("/readyz").body == "ready\n");
    const Kept metrics = admin.get("/metrics");
    CHECK(metrics.head.fields.find("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(metrics.body.find("gantry_associations 5\n") != std::string::npos);
    const Kept page = admin.get("/");
    CHECK(page.head.fields.find("Content-Type") == "text/html; charset=utf-8");
    CHECK(page.head.fields.find("Content-Security-Policy").find("default-src 'none'") == 0);
    CHECK(page.body.find("gantry GANTRY") != std::string::npos);
    CHECK(admin.get("/status").body.find("\"ae_title\":\"GANTRY\"") != std::string::npos);
}

TEST_CASE("the admin address says why gantry is not ready")
{
    Admin admin([] { return good_status(); }, "not enough free space in the spool");
    const Kept ready = admin.get("/readyz");
    CHECK(ready.head.status == 503);
    CHECK(ready.body == "not enough free space in the spool\n");
    CHECK(admin.get("/healthz").head.status == 200);
}

TEST_CASE("without its queue the admin address still counts and says what is wrong")
{
    Admin admin([] { return no_status(); });
    admin.metrics.association_accepted("CT1");
    CHECK(admin.get("/").head.status == 503);
    CHECK(admin.get("/status").body.find("disk I/O error") != std::string::npos);
    CHECK(
        admin.get("/metrics").body.find("gantry_associations_accepted_total") != std::string::npos
    );
}

TEST_CASE("the admin address changes nothing")
{
    Admin admin([] { return good_status(); });
    for (const char* path : {"/", "/status", "/metrics", "/healthz", "/readyz"}) {
        CAPTURE(std::string(path));
        for (const web::Method method : {web::Method::post, web::Method::put, web::Method::remove})
            CHECK(admin.router.match(method, path).handler == nullptr);
    }
}
