#include "web/connect.h"

#include "web/error.h"
#include "web/message_reader.h"
#include "web/watchdog.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <openssl/evp.h>

#include <vector>

namespace gantry::web {

namespace {

using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t max_proxy_head = 16'384;

// getaddrinfo cannot be interrupted: what is not waited for any longer ends on its own and tells
// nobody.
struct Resolution {
    explicit Resolution(const asio::any_io_executor& loop) : resolver(loop), done(loop) {}

    tcp::resolver resolver;
    asio::steady_timer done;
    std::vector<tcp::endpoint> endpoints;
    error_code ec = asio::error::timed_out;
};

asio::awaitable<Result<std::vector<tcp::endpoint>>>
resolve(std::string host, std::uint16_t port, milliseconds timeout)
{
    error_code ec;
    const auto address = asio::ip::make_address(host, ec);
    if (!ec)
        co_return std::vector{tcp::endpoint(address, port)};
    const auto state = std::make_shared<Resolution>(co_await asio::this_coro::executor);
    state->done.expires_after(timeout);
    auto keep = [state](error_code result, const tcp::resolver::results_type& found) {
        state->ec = result;
        for (const auto& entry : found)
            state->endpoints.push_back(entry.endpoint());
        state->done.cancel();
    };
    state->resolver.async_resolve(host, std::to_string(port), std::move(keep));
    (void)co_await state->done.async_wait(use_tuple);
    if (state->ec == asio::error::timed_out)
        co_return error(Errc::timeout, "resolving " + host);
    if (state->ec)
        co_return error(Errc::unresolved, host + ": " + state->ec.message());
    co_return std::move(state->endpoints);
}

asio::awaitable<Result<tcp::socket>>
connect_tcp(std::vector<tcp::endpoint> endpoints, std::string where, milliseconds timeout)
{
    tcp::socket socket(co_await asio::this_coro::executor);
    Watchdog watchdog(socket.get_executor(), [&socket] {
        error_code ignored;
        socket.close(ignored);
    });
    watchdog.arm(Watchdog::Side::write, timeout); // for all addresses together
    error_code ec = asio::error::host_unreachable;
    bool late = false;
    for (const tcp::endpoint& endpoint : endpoints) {
        error_code ignored;
        socket.close(ignored);
        std::tie(ec) = co_await socket.async_connect(endpoint, use_tuple);
        late = ec == asio::error::operation_aborted;
        if (!ec || late)
            break;
    }
    if (watchdog.disarm(Watchdog::Side::write))
        co_return error(Errc::timeout, "connecting to " + where);
    if (late)
        co_return Error{ec, "connecting"};
    if (ec)
        co_return error(Errc::unreachable, where + ": " + ec.message());
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(tcp::socket::keep_alive(true), ignored);
    co_return std::move(socket);
}

// RFC 9110 9.3.6: asks the proxy for a way to the origin.
asio::awaitable<Result<tcp::socket>>
open_tunnel(tcp::socket socket, Url origin, Url proxy, milliseconds timeout)
{
    const std::string where = origin.host_and_port();
    std::string head = "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n";
    if (!proxy.user_info.empty())
        head += "Proxy-Authorization: " + basic_credentials(proxy.user_info) + "\r\n";
    head += "\r\n";
    auto connection = plain_connection(std::move(socket));
    ConstBytes piece = std::as_bytes(std::span(head.data(), head.size()));
    const std::span<ConstBytes> pieces(&piece, 1);
    if (const Result<void> sent = co_await connection->write(pieces, timeout); !sent)
        co_return sent.error();
    MessageReader reader(*connection);
    const HeadLimits limits{max_proxy_head, max_proxy_head, timeout, timeout};
    const auto answer = co_await reader.read_head(MessageKind::bodiless_response, limits);
    if (!answer)
        co_return answer.error();
    const auto status = (*answer)->status;
    if (status / 100 != 2)
        co_return error(Errc::proxy_refused, "status " + std::to_string(status));
    if (reader.buffered())
        co_return error(Errc::malformed, "proxy spoke before the origin was asked");
    co_return take_socket(std::move(connection));
}

} // namespace

ClientFailure failed(Phase phase, Error reason)
{
    const bool certificate = reason.code == Errc::certificate;
    return {std::move(reason), phase, false, certificate};
}

std::string basic_credentials(std::string_view user_and_password)
{
    std::vector<unsigned char> encoded(4 * (user_and_password.size() / 3 + 1) + 1);
    const int length = EVP_EncodeBlock(
        encoded.data(),
        reinterpret_cast<const unsigned char*>(user_and_password.data()), // bytes are bytes
        static_cast<int>(user_and_password.size())
    );
    return "Basic " + std::string(encoded.begin(), encoded.begin() + length);
}

asio::awaitable<ConnectResult> connect(Way way)
{
    const Url& first = way.proxy ? *way.proxy : way.origin;
    const std::string where = first.host_and_port();
    auto endpoints = co_await resolve(first.host, first.port, way.timeout);
    if (!endpoints)
        co_return failed(Phase::resolve, endpoints.error());
    auto socket = co_await connect_tcp(std::move(*endpoints), where, way.timeout);
    if (!socket)
        co_return failed(way.proxy ? Phase::proxy : Phase::connect, socket.error());
    if (!way.origin.tls)
        co_return plain_connection(std::move(*socket));
    if (way.proxy) {
        auto tunnel = co_await open_tunnel(std::move(*socket), way.origin, *way.proxy, way.timeout);
        if (!tunnel)
            co_return failed(Phase::proxy, tunnel.error());
        *socket = std::move(*tunnel);
    }
    TlsPeer peer{way.origin.host};
    auto secured =
        co_await tls_connection(std::move(*socket), *way.tls, std::move(peer), way.timeout);
    if (!secured)
        co_return failed(Phase::tls, secured.error());
    co_return std::move(*secured);
}

} // namespace gantry::web
