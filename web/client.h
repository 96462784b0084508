// HTTP/1.1 client for one origin: keep-alive pool, TLS with host-name check, proxy, tokens; bodies
// streamed both ways. Loop.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"
#include "web/message.h"
#include "web/options.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace gantry::web {

/// Gives the body of a request piece by piece. Its whole length is known before: Content-Length is
/// always sent.
class BodySource {
public:
    virtual ~BodySource() = default;
    virtual std::uint64_t size() const = 0;
    /// The next bytes, valid until the next call; empty at the end. An error aborts the request
    /// (the connection is closed short of its Content-Length, so that the server cannot take it for
    /// complete).
    virtual asio::awaitable<Result<ConstBytes>> next() = 0;
    /// Starts again from the beginning (a kept-alive connection was stale, a token was refreshed).
    virtual void rewind() = 0;
};

struct ClientRequest {
    Method method = Method::get;
    std::string target; // below the base URL: "/studies?limit=1"
    Fields fields;
    BodySource* body = nullptr;   // outlives the call
    bool expect_continue = false; // ask before a large body is sent (RFC 9110 10.1.1)
};

/// How far a request came before it failed: decides whether its outcome is unknown.
enum class Phase : std::uint8_t { token, resolve, connect, proxy, tls, send, wait, receive };

const char* to_string(Phase phase) noexcept;

struct ClientFailure {
    Error error;
    Phase phase = Phase::connect;
    bool body_sent = false; // the whole request had been handed to the operating system: the server
                            // may have acted on it
    bool certificate = false; // the server's certificate was not accepted
};

/// A response whose head has arrived. The body is read from the connection as it is asked for.
class ClientResponse {
public:
    virtual ~ClientResponse() = default;
    virtual const ResponseHead& head() const noexcept = 0;
    /// The next bytes, valid until the next call; empty at the end. Errors: timeout, cut_off.
    virtual asio::awaitable<Result<ConstBytes>> read() = 0;
    /// The rest, at most `limit`; error too_large above.
    virtual asio::awaitable<Result<std::string>> read_all(Bytes limit) = 0;
};

using ClientResult = boost::system::result<std::unique_ptr<ClientResponse>, ClientFailure>;

[[noreturn]] void
throw_exception_from_error(const ClientFailure& failure, const boost::source_location&);

class Client {
public:
    /// Throws where the URL or the TLS files cannot be used.
    Client(const asio::any_io_executor& loop, ClientOptions options);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Waits for a free connection, sends, and returns when the response's head has arrived: also
    /// when that comes before the body is sent (the connection is then closed afterwards). A 401
    /// refreshes the token once and sends again. 307 and 308 on the same host are followed; other
    /// redirects are returned as they are. Destroy the response before the client.
    asio::awaitable<ClientResult> request(ClientRequest request);

    /// Credentials would be sent now: token fetched, files readable. For doctor.
    asio::awaitable<Result<void>> check_credentials();

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace gantry::web
