#include "server_under_test.h"

namespace gantry::tests {

namespace {

using namespace gantry::web;

ConstBytes as_bytes(const std::string& text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

// What it was asked, in words.
asio::awaitable<void> echo(const Request& request, RequestBody&, Response& response)
{
    std::string text =
        std::string(to_string(request.method)) + " " + request.path + "?" + request.query;
    for (const char* name : {"study", "series"})
        if (const auto found = request.parameters.find(name); found != request.parameters.end())
            text += std::string(" ") + name + "=" + found->second;
    ResponseHead head;
    head.fields.add("Content-Type", "text/plain");
    (void)co_await response.send(std::move(head), std::move(text));
}

asio::awaitable<void> count(Seen& seen, RequestBody& body, Response& response)
{
    std::uint64_t n = 0;
    for (;;) {
        const auto bytes = co_await body.read();
        if (!bytes) {
            seen.body_error = bytes.error().code.value();
            co_return; // the server says why
        }
        if (bytes->empty())
            break;
        n += bytes->size();
        seen.body_bytes = n;
    }
    ResponseHead head;
    std::string text = std::to_string(n);
    (void)co_await response.send(std::move(head), std::move(text));
}

// Waits until it is cancelled.
asio::awaitable<void> wait(Seen& seen)
{
    struct Notes {
        explicit Notes(Seen& s) : seen(s) { ++seen.waiting; }

        ~Notes() { ++seen.cancelled; }

        Notes(const Notes&) = delete;
        Notes& operator=(const Notes&) = delete;

        Seen& seen;
    };

    const Notes notes(seen);
    asio::steady_timer never(
        co_await asio::this_coro::executor, asio::steady_timer::time_point::max()
    );
    (void)co_await never.async_wait(use_tuple);
}

// "pieces=3&size=10&finish=0&length=30&throw=1": a response in pieces, as the query says, or at
// once
// ("whole=30"); of a media type where the path is /text.
asio::awaitable<void> stream(Seen& seen, const Request& request, Response& response)
{
    auto number = [&](std::string_view name, long otherwise) {
        const auto at = request.query.find(std::string(name) + "=");
        return at == std::string::npos ? otherwise
                                       : std::atol(request.query.c_str() + at + name.size() + 1);
    };
    std::optional<std::uint64_t> length;
    if (const long given = number("length", -1); given >= 0)
        length = static_cast<std::uint64_t>(given);
    ResponseHead head;
    if (request.path == "/text") {
        head.fields.add("Content-Type", "application/dicom+json");
        head.fields.add("ETag", "\"1\"");
    }
    if (const long whole = number("whole", -1); whole >= 0) {
        std::string text(static_cast<std::size_t>(whole), 'y');
        (void)co_await response.send(std::move(head), std::move(text));
        co_return;
    }
    (void)co_await response.begin(std::move(head), length);
    const std::string piece(static_cast<std::size_t>(number("size", 10)), 'x');
    for (long i = 0; i < number("pieces", 3); ++i) {
        const auto written = co_await response.write(as_bytes(piece));
        if (!written) {
            ++seen.writes_failed;
            co_return;
        }
    }
    if (number("wait", 0) != 0)
        co_await wait(seen);
    if (number("throw", 0) != 0)
        throw std::runtime_error("the handler's secret");
    if (number("finish", 1) != 0)
        (void)co_await response.finish();
}

} // namespace

// The lambdas are no coroutines: they start one with arguments that outlive it.
void ServerUnderTest::add_routes()
{
    Seen& s = seen;
    router_.add(Method::get, "/studies", echo);
    router_.add(Method::get, "/studies/{study}/series/{series}", echo);
    router_.add(Method::options, "/studies", echo);
    router_.add(Method::get, "/wait", [&s](const Request&, RequestBody&, Response&) {
        return wait(s);
    });
    router_
        .add(Method::post, "/studies", [&s](const Request&, RequestBody& body, Response& response) {
            return count(s, body, response);
        });
    router_.add(
        Method::post,
        "/wait",
        [&s](const Request&, RequestBody& body, Response& response) -> asio::awaitable<void> {
            return [](Seen& to, RequestBody& from, Response& out) -> asio::awaitable<void> {
                while (true) {
                    const auto bytes = co_await from.read();
                    if (!bytes || bytes->empty())
                        break;
                }
                (void)out;
                co_await wait(to);
            }(s, body, response);
        }
    );
    for (const char* path : {"/stream", "/text"})
        router_
            .add(Method::get, path, [&s](const Request& request, RequestBody&, Response& response) {
                return stream(s, request, response);
            });
    router_.add(Method::post, "/ignore", echo);
    router_.add(
        Method::get,
        "/silent",
        [](const Request&, RequestBody&, Response&) -> asio::awaitable<void> { co_return; }
    );
    router_.add(
        Method::get,
        "/throw",
        [](const Request&, RequestBody&, Response&) -> asio::awaitable<void> {
            throw std::runtime_error("the handler's secret");
            co_return;
        }
    );
}

} // namespace gantry::tests
