#include "web/client.h"

#include "web/client_exchange.h"
#include "web/client_response.h"
#include "web/connect.h"
#include "web/connection_pool.h"
#include "web/credentials.h"
#include "web/error.h"
#include "web/tls.h"
#include "web/url.h"

#include <array>
#include <stdexcept>

namespace gantry::web {

namespace {

using std::chrono::milliseconds;

constexpr int max_redirects = 3;
constexpr Bytes max_discarded{65'536}; // of an answer that nobody reads, to keep the connection

Url url_or_throw(const std::string& text, const char* what)
{
    const Result<Url> url = parse_url(text);
    if (!url)
        throw std::runtime_error(std::string(what) + ": " + url.error().text());
    return *url;
}

Way way_of(const ClientOptions& options)
{
    Way way;
    way.origin = url_or_throw(options.url, "origin");
    if (!options.proxy.empty())
        way.proxy = url_or_throw(options.proxy, "proxy");
    if (way.proxy && way.proxy->tls)
        throw std::runtime_error("proxy: https:// to a proxy is not supported");
    if (way.origin.tls)
        way.tls = client_tls(options.tls);
    way.timeout = options.connect_timeout;
    return way;
}

// Fields that the client itself is responsible for.
bool is_ours(std::string_view name, bool authorized)
{
    constexpr std::array ours{
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect"
    };
    for (const char* field : ours)
        if (same_name(name, field))
            return true;
    return authorized && same_name(name, "Authorization");
}

// A request on its way through redirects and retries.
struct Journey {
    ClientRequest request;
    std::string target; // path and query on the origin
    std::string authorization;
    bool expect_continue = false;
    bool refreshed = false; // after a 401
    int redirects = 0;
};

bool has_body(const ClientRequest& request)
{
    return request.body != nullptr && request.body->size() != 0;
}

// RFC 9112 3: the head as bytes; fields have been checked.
std::string head_of(const Journey& journey, const Way& way)
{
    const ClientRequest& request = journey.request;
    std::string head(to_string(request.method));
    head += ' ';
    if (way.proxy && !way.origin.tls) // RFC 9112 3.2.2
        head += "http://" + way.origin.authority();
    head.append(journey.target).append(" HTTP/1.1\r\nHost: ").append(way.origin.authority());
    head += "\r\nUser-Agent: gantry\r\n";
    if (!journey.authorization.empty())
        head += "Authorization: " + journey.authorization + "\r\n";
    if (way.proxy && !way.origin.tls && !way.proxy->user_info.empty())
        head += "Proxy-Authorization: " + basic_credentials(way.proxy->user_info) + "\r\n";
    for (const auto& [name, value] : request.fields)
        if (!is_ours(name, !journey.authorization.empty()))
            head.append(name).append(": ").append(value).append("\r\n");
    const bool states_length = request.method == Method::post || request.method == Method::put;
    if (request.body != nullptr || states_length)
        head += "Content-Length: " + std::to_string(has_body(request) ? request.body->size() : 0) +
                "\r\n";
    if (journey.expect_continue)
        head += "Expect: 100-continue\r\n";
    return head + "\r\n";
}

bool sendable(const ClientRequest& request)
{
    for (const char c : request.target)
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '#')
            return false;
    for (const auto& [name, value] : request.fields)
        if (!is_token(name) || !is_field_value(value))
            return false;
    return true;
}

} // namespace

struct Client::State {
    State(const asio::any_io_executor& loop, ClientOptions given)
        : options(std::move(given)),
          way(way_of(options)),
          pool(loop, options.connections, options.idle_timeout),
          credentials(loop, options)
    {
    }

    asio::awaitable<ClientResult> once(Journey& journey);
    asio::awaitable<ClientResult> over(ConnectionPool::Lease lease, Journey& journey, bool& stale);
    asio::awaitable<bool> again(Journey& journey, ClientResponse& response);

    ClientOptions options;
    Way way;
    ConnectionPool pool;
    Credentials credentials;
};

// References name objects in the frame of request(), which awaits all of this.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

// One exchange over the lease's connection. `stale`: it had been kept alive, and broke before a
// byte of an answer came.
asio::awaitable<ClientResult>
Client::State::over(ConnectionPool::Lease lease, Journey& journey, bool& stale)
{
    Exchange state;
    state.head = head_of(journey, way);
    state.body = journey.request.body;
    state.expect_continue = journey.expect_continue && has_body(journey.request);
    state.head_request = journey.request.method == Method::head;
    state.timeout = options.timeout;
    auto answer = co_await exchange(lease.wire(), state);
    if (!answer) {
        stale = !state.answered && answer.error().error.code == Errc::cut_off;
        co_return answer.error();
    }
    co_return make_response(
        std::move(lease), std::move(**answer), state.body_sent, options.timeout
    );
}

// A kept-alive connection that the server closed at the same moment is not a failure: the request
// goes over a new one, once.
asio::awaitable<ClientResult> Client::State::once(Journey& journey)
{
    for (bool first = true;; first = false) {
        auto lease = co_await pool.acquire(options.timeout);
        if (!lease)
            co_return failed(Phase::connect, lease.error());
        const bool reused = first && lease->take_idle();
        if (!reused) {
            Way to = way;
            auto connection = co_await connect(std::move(to));
            if (!connection)
                co_return connection.error();
            lease->set(std::make_unique<Wire>(std::move(*connection)));
        }
        bool stale = false;
        ClientResult result = co_await over(std::move(*lease), journey, stale);
        if (result || !reused || !stale)
            co_return result;
        if (journey.request.body != nullptr)
            journey.request.body->rewind();
    }
}

// Whether the request goes out once more: refreshed credentials, a redirect, a server that does
// not know Expect.
asio::awaitable<bool> Client::State::again(Journey& journey, ClientResponse& response)
{
    const auto status = response.head().status;
    if (status == 401 && !journey.refreshed && !journey.authorization.empty()) {
        journey.refreshed = true;
        if (!credentials.refuse(journey.authorization))
            co_return false;
    } else if (status == 417 && journey.expect_continue) {
        journey.expect_continue = false; // RFC 9110 15.5.18
    } else if ((status == 307 || status == 308) && journey.redirects < max_redirects) {
        const auto target =
            redirect_target(way.origin, journey.target, response.head().fields.find("Location"));
        if (!target)
            co_return false;
        ++journey.redirects;
        journey.target = *target;
    } else {
        co_return false;
    }
    (void)co_await response.read_all(max_discarded);
    if (journey.request.body != nullptr)
        journey.request.body->rewind();
    co_return true;
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

const char* to_string(Phase phase) noexcept
{
    switch (phase) {
    case Phase::token: return "token";
    case Phase::resolve: return "resolve";
    case Phase::connect: return "connect";
    case Phase::proxy: return "proxy";
    case Phase::tls: return "tls";
    case Phase::send: return "send";
    case Phase::wait: return "wait";
    case Phase::receive: return "receive";
    }
    return "connect";
}

void throw_exception_from_error(const ClientFailure& failure, const boost::source_location&)
{
    throw boost::system::system_error(
        failure.error.code, std::string(to_string(failure.phase)) + ": " + failure.error.detail
    );
}

Client::Client(const asio::any_io_executor& loop, ClientOptions options)
    : state_(std::make_shared<State>(loop, std::move(options)))
{
}

Client::~Client() = default;

asio::awaitable<ClientResult> Client::request(ClientRequest request)
{
    const auto state = state_;
    if (!sendable(request))
        co_return failed(Phase::connect, error(Errc::malformed, "request target or fields"));
    Journey journey;
    journey.target = state->way.origin.path + request.target;
    if (!journey.target.starts_with('/'))
        journey.target.insert(0, "/");
    journey.expect_continue = request.expect_continue && has_body(request);
    journey.request = std::move(request);
    for (;;) {
        auto authorization = co_await state->credentials.header();
        if (!authorization)
            co_return authorization.error();
        journey.authorization = *authorization;
        ClientResult result = co_await state->once(journey);
        if (!result || !co_await state->again(journey, **result))
            co_return result;
    }
}

asio::awaitable<Result<void>> Client::check_credentials()
{
    const auto state = state_;
    auto header = co_await state->credentials.header();
    if (!header)
        co_return header.error().error;
    co_return Result<void>{};
}

} // namespace gantry::web
