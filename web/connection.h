// One byte stream, plain or TLS, behind one face, so that everything above it is compiled once.
// Internal to web/. Runs on the loop; every operation has a deadline; nothing is retried here.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

namespace boost::asio::ssl {
class context; // NOLINT(readability-identifier-naming): Asio's
}

namespace gantry::web {

using MutableBytes = std::span<std::byte>;

class Connection {
public:
    using Silence = std::chrono::milliseconds;
    static constexpr Silence no_deadline = Silence::max();

    virtual ~Connection() = default;

    /// At least one byte, 0 at the orderly end. Errors: timeout (the connection can still be
    /// written to), cut_off, tls_failed; asio's operation_aborted where the caller was cancelled.
    virtual asio::awaitable<Result<std::size_t>> read_some(MutableBytes into, Silence longest) = 0;

    /// Writes all pieces, in one call to the operating system where it can; each step of progress
    /// may take `longest`. Errors as above. `pieces` is changed.
    virtual asio::awaitable<Result<void>> write(std::span<ConstBytes> pieces, Silence longest) = 0;

    /// Tells the other side that nothing more comes.
    virtual asio::awaitable<void> end_writing() = 0;

    /// Ends what is under way on this connection, and the connection.
    virtual void close() noexcept = 0;

    /// Ends the connection so that the other side cannot take what it got for the whole.
    virtual void reset() noexcept = 0;

    virtual asio::any_io_executor executor() = 0;

    /// Open, and nothing has come that nobody asked for: fit for another request.
    virtual bool quiet() noexcept = 0;
};

std::unique_ptr<Connection> plain_connection(asio::ip::tcp::socket socket);

/// Takes the socket out of a plain connection.
asio::ip::tcp::socket take_socket(std::unique_ptr<Connection> plain);

/// The other side's name, for the check of its certificate and SNI; empty on the server's side.
struct TlsPeer {
    std::string host;
};

/// Shakes hands. Errors: certificate (the peer's was not accepted), tls_failed, timeout, cut_off.
asio::awaitable<Result<std::unique_ptr<Connection>>> tls_connection(
    asio::ip::tcp::socket socket,
    boost::asio::ssl::context& context,
    TlsPeer peer,
    Connection::Silence longest
);

} // namespace gantry::web
