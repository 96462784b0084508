// HTTP/1.1 server: keep-alive, limits and deadlines on everything, bodies streamed both ways. Runs
// on the loop.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"
#include "web/message.h"
#include "web/options.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gantry::web {

struct Request {
    Method method = Method::get;
    std::string target; // as received, path and query
    std::string path;   // percent-decoded once, without the query
    std::string query;  // raw, without '?'
    Fields fields;
    std::string peer_address;
    std::uint64_t id = 0; // unique in this process; stands in log lines and in X-Request-Id
    std::unordered_map<std::string, std::string> parameters; // {name} of the route, decoded
    std::optional<std::uint64_t> content_length;
};

/// The body of a request, drawn by the route. 100-continue is sent at the first read. Not read to
/// its end: the connection is closed after the response.
class RequestBody {
public:
    virtual ~RequestBody() = default;
    /// The next bytes, valid until the next call; empty at the end. Errors: too_large (above
    /// max_body), timeout, cut_off.
    virtual asio::awaitable<Result<ConstBytes>> read() = 0;
};

/// The response of one request: either send(), or begin(), write()..., finish(). A response that is
/// begun and never finished closes the connection, so that the client sees that it is cut off.
class Response {
public:
    virtual ~Response() = default;
    virtual asio::awaitable<Result<void>> send(ResponseHead head, std::string body) = 0;
    /// Without `content_length` the body is chunked.
    virtual asio::awaitable<Result<void>>
    begin(ResponseHead head, std::optional<std::uint64_t> content_length) = 0;
    /// Completes when the bytes are with the operating system: a slow client slows its producer.
    virtual asio::awaitable<Result<void>> write(ConstBytes bytes) = 0;
    virtual asio::awaitable<Result<void>> finish() = 0;
    virtual bool begun() const noexcept = 0;
};

/// Cancelled when the client goes away while the handler runs, and by the server's stop.
using Handler = std::function<asio::awaitable<void>(const Request&, RequestBody&, Response&)>;

/// Asked before the handler of every request, once its route is known; a head instead of nothing is
/// the answer (sent as problem details). Here tokens will be checked. Only a browser's preflight,
/// which has no credentials, goes past it; OPTIONS otherwise does not.
using Gate = std::function<asio::awaitable<std::optional<ResponseHead>>(const Request&)>;

/// Method and path pattern ("/studies/{study}/series") to handler. Unknown path: 404; known path,
/// other method: 405 with Allow. HEAD is answered by the GET route without its body. OPTIONS is
/// answered with Allow wherever there is no route of its own, and for "*".
class Router {
public:
    void add(Method method, std::string pattern, Handler handler);

    struct Match {
        const Handler* handler = nullptr;
        std::unordered_map<std::string, std::string> parameters;
        std::vector<Method> allowed; // where the path is known and the method is not
    };

    Match match(Method method, std::string_view path) const;

    struct Entry {
        Method method;
        std::string pattern;
    };

    /// All routes, in the order in which they were added.
    std::vector<Entry> entries() const;

    /// Those of a path, in the order of their routes; of all routes for "*". Empty: unknown path.
    std::vector<Method> methods(std::string_view path) const;

private:
    struct Route {
        Method method;
        std::string pattern;
        std::vector<std::string> segments;
        Handler handler;
    };

    std::vector<Route> routes_;
};

class Server {
public:
    /// `router` outlives the server. Throws where the TLS files cannot be used.
    Server(asio::any_io_executor loop, ServerOptions options, const Router& router);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Set before serve().
    void set_gate(Gate gate);

    /// Serves one bound acceptor until cancelled. May run for several acceptors at once.
    asio::awaitable<void> serve(asio::ip::tcp::acceptor acceptor);
    /// Idle connections close; running requests finish, later ones on the same connection are not
    /// read.
    void drain();
    /// Looks at the TLS files now; it does so by itself every `tls_check`.
    void reload();
    /// Cancels what runs and completes when nothing is left.
    asio::awaitable<void> stop();

    std::size_t connections() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::web
