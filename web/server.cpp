#include "web/server.h"

#include "gateway/loop/change.h"
#include "gateway/loop/task_group.h"
#include "web/log.h"
#include "web/server_session.h"
#include "web/server_tls.h"

#include <boost/asio/steady_timer.hpp>

#include <list>
#include <poll.h>
#include <utility>

namespace gantry::web {

namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

constexpr std::chrono::milliseconds after_failed_accept = 100ms; // out of descriptors, mostly

// Readiness may be old news: of a connection that has been accepted since.
bool somebody_waits(tcp::acceptor& acceptor)
{
    pollfd descriptor{acceptor.native_handle(), POLLIN, 0};
    return ::poll(&descriptor, 1, 0) > 0;
}

std::string address_of(const tcp::socket& socket)
{
    boost::system::error_code ec;
    const auto peer = socket.remote_endpoint(ec);
    return ec ? "-" : peer.address().to_string();
}

} // namespace

struct Server::State {
    State(asio::any_io_executor executor, ServerOptions options, const Router& router)
        : loop(executor),
          context{std::move(options), router},
          room(executor),
          sessions(executor, "web")
    {
        context.on_idle = [this] { room.notify(); };
        if (context.options.tls)
            tls = std::make_unique<ServerTls>(*context.options.tls);
    }

    /// Counts one connection as long as it lives.
    class Place {
    public:
        explicit Place(State& state) : state_(&state) { ++state.taken; }

        ~Place()
        {
            if (state_ == nullptr)
                return;
            --state_->taken;
            state_->room.notify();
        }

        Place(Place&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

        Place& operator=(Place&&) = delete;

    private:
        State* state_;
    };

    asio::awaitable<void> converse(tcp::socket socket, Place place);
    asio::awaitable<void> make_room(tcp::acceptor& acceptor);
    asio::awaitable<void> watch_tls();

    Session* longest_idle() const
    {
        Session* found = nullptr;
        for (Session* session : open)
            if (session->idle() && (!found || session->idle_since() < found->idle_since()))
                found = session;
        return found;
    }

    bool full() const noexcept { return taken >= context.options.max_connections; }

    asio::any_io_executor loop;
    ServerContext context;
    std::unique_ptr<ServerTls> tls;
    bool watching = false; // its files
    std::list<Session*> open;
    std::size_t taken = 0;
    Change room;
    TaskGroup sessions; // last: its tasks use the above
};

// One connection from its first byte to its last.
asio::awaitable<void>
Server::State::converse(tcp::socket socket, Place) // the place is given back with the frame
{
    struct Ends {
        explicit Ends(State& of) : state(of) {}

        ~Ends()
        {
            if (session)
                state.open.remove(&*session);
        }

        Ends(const Ends&) = delete;
        Ends& operator=(const Ends&) = delete;

        State& state;
        std::optional<Session> session;
    };

    Ends ends(*this);
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    std::string peer = address_of(socket);
    std::unique_ptr<Connection> connection;
    const auto shown = tls ? tls->current() : nullptr;
    if (shown) {
        auto secured = co_await tls_connection(
            std::move(socket), *shown, TlsPeer{}, context.options.header_timeout
        );
        if (!secured) {
            log_of_web().info("TLS refused peer={} reason=\"{}\"", peer, secured.error().text());
            co_return;
        }
        connection = std::move(*secured);
    } else {
        connection = plain_connection(std::move(socket));
    }
    ends.session.emplace(context, std::move(connection), std::move(peer));
    open.push_back(&*ends.session);
    co_await ends.session->run();
}

// The acceptor lives in the frame of serve(), which awaits this.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

// Waits until a further connection has its place: an idle one gives way to one that waits.
asio::awaitable<void> Server::State::make_room(tcp::acceptor& acceptor)
{
    while (full()) {
        (void)co_await acceptor.async_wait(tcp::acceptor::wait_read, use_tuple);
        if (!somebody_waits(acceptor))
            continue;
        if (Session* const idle = longest_idle())
            idle->close();
        if (full())
            co_await room.wait();
    }
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

asio::awaitable<void> Server::State::watch_tls()
{
    asio::steady_timer pause(loop);
    for (;;) {
        pause.expires_after(context.options.tls_check);
        const auto [ec] = co_await pause.async_wait(use_tuple);
        if (ec)
            co_return;
        tls->look();
    }
}

Server::Server(asio::any_io_executor loop, ServerOptions options, const Router& router)
    : state_(std::make_unique<State>(std::move(loop), std::move(options), router))
{
}

Server::~Server() = default;

void Server::set_gate(Gate gate)
{
    state_->context.gate = std::move(gate);
}

asio::awaitable<void> Server::serve(tcp::acceptor acceptor)
{
    if (state_->tls && !std::exchange(state_->watching, true))
        state_->sessions.spawn(state_->watch_tls());
    asio::steady_timer pause(state_->loop);
    for (;;) {
        co_await state_->make_room(acceptor);
        auto [ec, socket] = co_await acceptor.async_accept(use_tuple);
        if (ec == asio::error::operation_aborted)
            co_return;
        if (ec) {
            log_of_web().warn("accept failed reason=\"{}\"", ec.message());
            pause.expires_after(after_failed_accept);
            (void)co_await pause.async_wait(use_tuple);
            continue;
        }
        state_->sessions.spawn(state_->converse(std::move(socket), State::Place(*state_)));
    }
}

void Server::drain()
{
    state_->context.draining = true;
    for (Session* session : state_->open)
        if (session->idle())
            session->close();
}

void Server::reload()
{
    if (state_->tls)
        state_->tls->look();
}

asio::awaitable<void> Server::stop()
{
    state_->sessions.cancel();
    co_await state_->sessions.drained();
}

std::size_t Server::connections() const noexcept
{
    return state_->taken;
}

} // namespace gantry::web
