#include "web/server_session.h"

#include "web/cors.h"
#include "web/error.h"
#include "web/gzip.h"
#include "web/log.h"
#include "web/server_exchange.h"
#include "web/server_refusal.h"
#include "web/target.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <array>
#include <exception>

namespace gantry::web {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds linger_silence = 1s;
constexpr std::chrono::milliseconds linger_in_all = 5s;
constexpr std::uint16_t client_gone = 499; // for the log only: nobody is there to be told

// For the log: a query may hold a patient's name.
std::string_view without_query(std::string_view target)
{
    return target.empty() ? "-" : target.substr(0, target.find('?'));
}

std::string text_of(const std::exception_ptr& fault)
{
    try {
        std::rethrow_exception(fault);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "unknown exception";
    }
}

} // namespace

struct Session::Turn {
    Turn(Session& session, MessageHead given)
        : head(std::move(given)),
          body(
              *session.connection_,
              session.reader_,
              {session.context_.options.max_body.count,
               session.context_.options.body_timeout,
               head.fields.has("Expect") && !head.http10,
               head.has_body}
          ),
          response(
              *session.connection_,
              {++session.context_.last_request,
               session.context_.options.body_timeout,
               head.http10,
               head.method == "HEAD",
               session.context_.options.tls.has_value(),
               !head.http10 && accepts_gzip(head.fields)},
              [this, &session] {
                  return head.keep_alive && session.reader_.body_done() &&
                         !session.context_.draining;
              }
          )
    {
        request.id = session.context_.last_request;
        request.peer_address = session.peer_;
    }

    MessageHead head;
    Request request;
    Router::Match match;
    ServerRequestBody body;
    ServerResponse response;
    std::exception_ptr fault; // of the handler
    bool gone = false;        // the client, while the handler ran
};

// One line for each request, when it is over.
class Session::LogLine {
public:
    explicit LogLine(const Turn& turn) : turn_(turn), method_(turn.head.method) {}

    ~LogLine()
    {
        const auto took =
            std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began_);
        log_of_web().info(
            "request request={} peer={} method={} path={} status={} received={} sent={} ms={}",
            turn_.request.id,
            turn_.request.peer_address,
            method_,
            without_query(turn_.request.target),
            turn_.gone ? client_gone : turn_.response.status(),
            turn_.body.received(),
            turn_.response.sent(),
            took.count()
        );
    }

    LogLine(const LogLine&) = delete;
    LogLine& operator=(const LogLine&) = delete;

private:
    const Turn& turn_;
    std::string method_;
    steady_clock::time_point began_ = steady_clock::now();
};

Session::Session(ServerContext& context, std::unique_ptr<Connection> connection, std::string peer)
    : context_(context),
      connection_(std::move(connection)),
      reader_(*connection_),
      peer_(std::move(peer))
{
}

Session::~Session() = default;

asio::awaitable<void> Session::run()
{
    HeadLimits limits;
    limits.max_head = context_.options.max_header.count;
    limits.max_target = context_.options.max_target.count;
    limits.first_byte = context_.options.idle_timeout;
    limits.whole = context_.options.header_timeout;
    while (!context_.draining) {
        idle_ = !reader_.buffered();
        idle_since_ = steady_clock::now();
        if (idle_ && context_.on_idle)
            context_.on_idle();
        const Result<MessageHead*> head = co_await reader_.read_head(MessageKind::request, limits);
        idle_ = false;
        if (!head) {
            co_await refuse_head(head.error());
            co_return;
        }
        if (!co_await serve(std::move(**head)))
            co_return;
    }
}

asio::awaitable<void> Session::refuse_head(Error reason)
{
    const std::uint16_t status = refusal_of_head(reader_.fault(), reason);
    if (status == 0 || reader_.nothing_came())
        co_return;
    const auto id = ++context_.last_request;
    log_of_web().info(
        "request refused request={} peer={} status={} reason=\"{}\"",
        id,
        peer_,
        status,
        reason.text()
    );
    ServerResponse response(*connection_, {id, context_.options.body_timeout}, [] {
        return false;
    });
    ResponseHead head = problem_head(status);
    std::string body = problem_body(status);
    (void)co_await response.send(std::move(head), std::move(body));
    co_await linger();
}

bool Session::knows(std::string_view path) const
{
    return !context_.router.methods(path).empty();
}

// Where the request cannot be handled: the status that says so; else 0, and the turn is complete.
std::uint16_t Session::judge(Turn& turn) const
{
    MessageHead& head = turn.head;
    Request& request = turn.request;
    request.fields = std::move(head.fields);
    const auto hosts = request.fields.count("Host"); // RFC 9112 3.2
    if (hosts > 1 || (hosts == 0 && !head.http10))
        return 400;
    const auto method = parse_method(head.method);
    if (!method)
        return 501;
    request.method = *method;
    const Result<Target> target = parse_target(head.target);
    if (!target)
        return 400;
    request.target = std::move(head.target);
    request.path = target->path;
    request.query = target->query;
    request.content_length = head.content_length;
    turn.match = context_.router.match(*method, request.path);
    const bool only_asks = *method == Method::options; // what there is, RFC 9110 9.3.7
    if (turn.match.handler == nullptr && !(only_asks && knows(request.path)))
        return turn.match.allowed.empty() ? 404 : 405;
    request.parameters = turn.match.parameters;
    const auto expects = request.fields.find("Expect");
    if (!expects.empty() && !head.http10 && !same_name(expects, "100-continue"))
        return 417;
    if (head.content_length.value_or(0) > context_.options.max_body.count)
        return 413;
    return 0;
}

// One request, to the point where the next can be read: true where it can.
asio::awaitable<bool> Session::serve(MessageHead given)
{
    Turn turn(*this, std::move(given));
    const LogLine line(turn); // also where the request is cancelled
    co_await answer(turn);
    if (turn.response.keeps_connection() && reader_.body_done() && !turn.gone)
        co_return true;
    if (turn.response.finished() && !turn.gone)
        co_await linger();
    else if (turn.response.ends_with_connection())
        connection_->reset();
    co_return false;
}

// References name objects in the frame of serve(), which awaits all of this.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

// Before anything of the request is done. Whoever has no credentials yet may ask what to send
// (preflight), and is told of errors in a way that a page from elsewhere can read.
asio::awaitable<bool> Session::turn_away(Turn& turn)
{
    const std::uint16_t refused = judge(turn);
    const Request& request = turn.request;
    turn.response.carry(cors_fields(context_.options.cors, request.fields));
    const bool about_methods = refused == 0 || refused == 404 || refused == 405;
    if (about_methods && is_preflight(request.method, request.fields)) {
        ResponseHead head = preflight_answer(request.fields, context_.router.methods(request.path));
        (void)co_await turn.response.send(std::move(head), {});
        co_return true;
    }
    if (refused != 0) {
        ResponseHead head = problem_head(refused);
        if (refused == 405)
            head.fields.add("Allow", allow_field(turn.match.allowed));
        std::string body = problem_body(refused);
        (void)co_await turn.response.send(std::move(head), std::move(body));
        co_return true;
    }
    if (!context_.gate)
        co_return false;
    std::optional<ResponseHead> denied = co_await context_.gate(request);
    if (!denied)
        co_return false;
    denied->fields.add("Content-Type", "application/problem+json");
    std::string body = problem_body(denied->status);
    (void)co_await turn.response.send(std::move(*denied), std::move(body));
    co_return true;
}

asio::awaitable<void> Session::answer(Turn& turn)
{
    if (co_await turn_away(turn))
        co_return;
    if (turn.match.handler == nullptr) {
        ResponseHead head;
        head.status = 204;
        head.fields.add("Allow", allow_field(context_.router.methods(turn.request.path)));
        (void)co_await turn.response.send(std::move(head), {});
        co_return;
    }
    using namespace asio::experimental::awaitable_operators;
    const auto first = co_await (handle(turn) || watch(turn));
    turn.gone = first.index() == 1 && !turn.response.whole();
    if (!turn.gone)
        co_await conclude(turn);
}

// The handler; what it throws is kept.
asio::awaitable<bool> Session::handle(Turn& turn)
{
    try {
        co_await (*turn.match.handler)(turn.request, turn.body, turn.response);
    } catch (...) {
        turn.fault = std::current_exception();
    }
    co_return true;
}

// Completes when the client has gone.
asio::awaitable<bool> Session::watch(Turn& turn)
{
    co_await turn.body.ended();
    co_await reader_.watch_for_end();
    co_return true;
}

// After the handler: what it left open is closed, in the client's sight.
asio::awaitable<void> Session::conclude(Turn& turn)
{
    ServerResponse& response = turn.response;
    std::uint16_t status = 0;
    if (turn.fault) {
        log_of_web().error(
            "handler failed request={} reason=\"{}\"", turn.request.id, text_of(turn.fault)
        );
        status = response.on_the_wire() ? 0 : 500;
    } else if (!response.begun()) {
        status = turn.body.failure() ? refusal_of_body(*turn.body.failure()) : 500;
    }
    if (status == 0)
        co_return;
    response.reset();
    ResponseHead head = problem_head(status);
    std::string body = problem_body(status);
    (void)co_await response.send(std::move(head), std::move(body));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

// Closing while bytes still come would reset the connection, and the client might never read our
// answer (RFC 9112 9.6): say the end, then listen for a while.
asio::awaitable<void> Session::linger()
{
    co_await connection_->end_writing();
    const auto until = steady_clock::now() + linger_in_all;
    const auto scratch = std::make_unique<std::array<std::byte, 65'536>>();
    while (steady_clock::now() < until) {
        const auto n = co_await connection_->read_some(*scratch, linger_silence);
        if (!n || *n == 0)
            break;
    }
}

} // namespace gantry::web
