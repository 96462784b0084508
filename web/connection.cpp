#include "web/connection.h"

#include "web/error.h"
#include "web/watchdog.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace gantry::web {

namespace {

namespace ssl = asio::ssl;
using asio::ip::tcp;
using Side = Watchdog::Side;

constexpr std::size_t tls_record = 16'384;

Error failure(boost::system::error_code ec, bool late, const char* doing)
{
    if (late)
        return error(Errc::timeout, doing);
    if (ec == asio::error::operation_aborted)
        return {ec, doing};
    if (ec == ssl::error::stream_truncated)
        return error(Errc::cut_off, doing);
    if (ec.category() == asio::error::get_ssl_category())
        return error(Errc::tls_failed, std::string(doing) + ": " + ec.message());
    return error(Errc::cut_off, std::string(doing) + ": " + ec.message());
}

// Plain and TLS differ in the stream and in how small pieces are put together.
template <class Stream>
class StreamConnection : public Connection {
public:
    explicit StreamConnection(Stream stream)
        : stream_(std::move(stream)), watchdog_(stream_.get_executor(), [this] {
              boost::system::error_code ignored;
              stream_.lowest_layer().cancel(ignored);
          })
    {
    }

    asio::awaitable<Result<std::size_t>> read_some(MutableBytes into, Silence longest) override
    {
        if (ended_)
            co_return *ended_;
        watchdog_.arm(Side::read, longest);
        auto [ec, n] =
            co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), use_tuple);
        const bool late = watchdog_.disarm(Side::read);
        if (!ec)
            co_return n;
        const bool interrupted = ec == asio::error::operation_aborted;
        Result<std::size_t> end{std::size_t{0}};
        if (ec != asio::error::eof)
            end = failure(ec, late, "reading");
        if (!interrupted)
            ended_ = end; // Asio would wait for an event that does not come again
        co_return end;
    }

    asio::awaitable<void> end_writing() override
    {
        boost::system::error_code ignored;
        stream_.lowest_layer().shutdown(tcp::socket::shutdown_send, ignored);
        co_return;
    }

    void close() noexcept override
    {
        boost::system::error_code ignored;
        stream_.lowest_layer().close(ignored);
    }

    void reset() noexcept override
    {
        boost::system::error_code ignored;
        stream_.lowest_layer().set_option(asio::socket_base::linger(true, 0), ignored);
        stream_.lowest_layer().close(ignored);
    }

    asio::any_io_executor executor() override { return stream_.get_executor(); }

    bool quiet() noexcept override
    {
        char byte = 0;
        const auto fd = stream_.lowest_layer().native_handle();
        return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
               (errno == EAGAIN || errno == EWOULDBLOCK);
    }

protected:
    template <class Buffers>
    asio::awaitable<Result<std::size_t>> write_once(Buffers buffers, Silence longest)
    {
        watchdog_.arm(Side::write, longest);
        auto [ec, n] = co_await stream_.async_write_some(buffers, use_tuple);
        const bool late = watchdog_.disarm(Side::write);
        if (ec)
            co_return failure(ec, late, "writing");
        co_return n;
    }

    Stream stream_;
    Watchdog watchdog_;
    std::optional<Result<std::size_t>> ended_; // what the last read found
};

class PlainConnection final : public StreamConnection<tcp::socket> {
public:
    using StreamConnection::StreamConnection;

    tcp::socket take() { return std::move(stream_); }

    asio::awaitable<Result<void>> write(std::span<ConstBytes> pieces, Silence longest) override
    {
        while (!pieces.empty()) {
            std::array<asio::const_buffer, 4> buffers{};
            for (std::size_t i = 0; i < std::min(pieces.size(), buffers.size()); ++i)
                buffers[i] = asio::const_buffer(pieces[i].data(), pieces[i].size());
            const Result<std::size_t> written = co_await write_once(buffers, longest);
            if (!written)
                co_return written.error();
            std::size_t n = *written;
            while (!pieces.empty() && n >= pieces.front().size()) {
                n -= pieces.front().size();
                pieces = pieces.subspan(1);
            }
            if (!pieces.empty())
                pieces.front() = pieces.front().subspan(n);
        }
        co_return Result<void>{};
    }
};

class TlsConnection final : public StreamConnection<ssl::stream<tcp::socket>> {
public:
    using StreamConnection::StreamConnection;

    asio::awaitable<Result<void>>
    shake_hands(ssl::stream_base::handshake_type side, Silence longest)
    {
        watchdog_.arm(Side::read, longest);
        auto [ec] = co_await stream_.async_handshake(side, use_tuple);
        const bool late = watchdog_.disarm(Side::read);
        if (!ec)
            co_return Result<void>{};
        const long verdict = SSL_get_verify_result(stream_.native_handle());
        if (!late && ec.category() == asio::error::get_ssl_category() && verdict != X509_V_OK)
            co_return error(Errc::certificate, X509_verify_cert_error_string(verdict));
        co_return failure(ec, late, "TLS handshake");
    }

    // Small pieces are gathered, so that a head and its body share a record.
    asio::awaitable<Result<void>> write(std::span<ConstBytes> pieces, Silence longest) override
    {
        while (!pieces.empty()) {
            const bool alone = pieces.front().size() >= tls_record || pieces.size() == 1;
            if (!alone)
                gather(pieces);
            const ConstBytes bytes = alone ? pieces.front() : ConstBytes(gathered_);
            if (alone)
                pieces = pieces.subspan(1);
            for (std::size_t at = 0; at < bytes.size();) {
                const auto rest = bytes.subspan(at);
                const asio::const_buffer buffer(rest.data(), rest.size());
                const Result<std::size_t> written = co_await write_once(buffer, longest);
                if (!written)
                    co_return written.error();
                at += *written;
            }
        }
        co_return Result<void>{};
    }

    // A plain end of the connection would look like an attack: say goodbye first.
    asio::awaitable<void> end_writing() override
    {
        constexpr Silence goodbye{1000};
        watchdog_.arm(Side::write, goodbye);
        SSL_set_shutdown(stream_.native_handle(), SSL_RECEIVED_SHUTDOWN); // do not wait for theirs
        (void)co_await stream_.async_shutdown(use_tuple);
        (void)watchdog_.disarm(Side::write);
        SSL_set_shutdown(
            stream_.native_handle(), SSL_SENT_SHUTDOWN
        ); // what still comes can be read
        co_await StreamConnection::end_writing();
    }

private:
    void gather(std::span<ConstBytes>& pieces)
    {
        gathered_.clear();
        gathered_.reserve(tls_record);
        while (!pieces.empty() && gathered_.size() < tls_record) {
            const auto n = std::min(pieces.front().size(), tls_record - gathered_.size());
            const auto head = pieces.front().first(n);
            gathered_.insert(gathered_.end(), head.begin(), head.end());
            pieces.front() = pieces.front().subspan(n);
            if (pieces.front().empty())
                pieces = pieces.subspan(1);
        }
    }

    std::vector<std::byte> gathered_;
};

bool is_address(const std::string& host)
{
    boost::system::error_code ec;
    (void)asio::ip::make_address(host, ec);
    return !ec;
}

// Whose certificate is asked for and accepted (RFC 6066 3, RFC 6125).
bool expect_host(SSL* handle, const std::string& host)
{
    X509_VERIFY_PARAM* wanted = SSL_get0_param(handle);
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // The macro SSL_set_tlsext_host_name casts away const.
    const auto sni = SSL_ctrl(
        handle,
        SSL_CTRL_SET_TLSEXT_HOSTNAME,
        TLSEXT_NAMETYPE_host_name,
        const_cast<char*>(host.c_str()) // copied by OpenSSL, never written
    );
    return sni == 1 && X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), 0) == 1;
}

} // namespace

std::unique_ptr<Connection> plain_connection(tcp::socket socket)
{
    return std::make_unique<PlainConnection>(std::move(socket));
}

tcp::socket take_socket(std::unique_ptr<Connection> plain)
{
    return dynamic_cast<PlainConnection&>(*plain).take();
}

asio::awaitable<Result<std::unique_ptr<Connection>>>
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): the context outlives it
tls_connection(tcp::socket socket, ssl::context& context, TlsPeer peer, Connection::Silence longest)
{
    ssl::stream<tcp::socket> stream(std::move(socket), context);
    const bool as_client = !peer.host.empty();
    if (as_client && !expect_host(stream.native_handle(), peer.host))
        co_return error(Errc::tls_failed, "host name");
    auto connection = std::make_unique<TlsConnection>(std::move(stream));
    const auto side = as_client ? ssl::stream_base::client : ssl::stream_base::server;
    const Result<void> done = co_await connection->shake_hands(side, longest);
    if (!done)
        co_return done.error();
    co_return std::unique_ptr<Connection>(std::move(connection));
}

} // namespace gantry::web
