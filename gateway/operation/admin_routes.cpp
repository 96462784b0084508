#include "gateway/operation/admin_routes.h"

#include <boost/json/serialize.hpp>

#include <memory>
#include <utility>

namespace gantry::operation {

namespace {

web::ResponseHead head_of(std::uint16_t status, std::string type)
{
    web::ResponseHead head;
    head.status = status;
    head.fields.add("Content-Type", std::move(type));
    head.fields.add("Cache-Control", "no-store");
    head.fields.add("X-Content-Type-Options", "nosniff");
    return head;
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the server keeps the
// response until the handler ends

asio::awaitable<void> send_text(web::Response& response, std::uint16_t status, std::string text)
{
    web::ResponseHead head = head_of(status, "text/plain; charset=utf-8");
    co_await response.send(std::move(head), std::move(text));
}

using Sources = std::shared_ptr<const AdminSources>;

asio::awaitable<void> send_ready(Sources sources, web::Response& response)
{
    const auto reason = sources->not_ready();
    const std::uint16_t status = reason ? 503 : 200;
    std::string text = reason ? *reason + "\n" : "ready\n";
    co_await send_text(response, status, std::move(text));
}

asio::awaitable<void> send_metrics(Sources sources, Metrics* metrics, web::Response& response)
{
    const auto report = co_await sources->status();
    // Without the queue's figures the counters are still worth having.
    if (report)
        metrics->observe(*report);
    web::ResponseHead head = head_of(200, "text/plain; version=0.0.4; charset=utf-8");
    std::string text = metrics->text();
    co_await response.send(std::move(head), std::move(text));
}

asio::awaitable<void> send_page(Sources sources, web::Response& response)
{
    const auto report = co_await sources->status();
    if (!report) {
        co_await send_text(response, 503, report.error().text() + "\n");
        co_return;
    }
    web::ResponseHead head = head_of(200, "text/html; charset=utf-8");
    head.fields.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    std::string page = status_page(*report);
    co_await response.send(std::move(head), std::move(page));
}

asio::awaitable<void> send_status(Sources sources, web::Response& response)
{
    const auto report = co_await sources->status();
    if (!report) {
        co_await send_text(response, 503, report.error().text() + "\n");
        co_return;
    }
    web::ResponseHead head = head_of(200, "application/json");
    std::string text = boost::json::serialize(status_json(*report)) + "\n";
    co_await response.send(std::move(head), std::move(text));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace

void add_admin_routes(web::Router& router, AdminSources sources, Metrics& metrics)
{
    const auto shared = std::make_shared<const AdminSources>(std::move(sources));
    using web::Method;
    using web::Request;
    using web::RequestBody;
    using web::Response;
    // Lambdas that call coroutines, not coroutines themselves: their captures live in the router.
    router.add(Method::get, "/", [shared](const Request&, RequestBody&, Response& response) {
        return send_page(shared, response);
    });
    router.add(Method::get, "/status", [shared](const Request&, RequestBody&, Response& response) {
        return send_status(shared, response);
    });
    router.add(
        Method::get,
        "/metrics",
        [shared, m = &metrics](const Request&, RequestBody&, Response& response) {
            return send_metrics(shared, m, response);
        }
    );
    router.add(Method::get, "/healthz", [](const Request&, RequestBody&, Response& response) {
        return send_text(response, 200, "alive\n");
    });
    router.add(Method::get, "/readyz", [shared](const Request&, RequestBody&, Response& response) {
        return send_ready(shared, response);
    });
}

} // namespace gantry::operation
