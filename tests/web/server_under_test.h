// A server with a few routes, on a loop of its own, for the tests of this folder.
#pragma once

#include "support/loop_thread.h"
#include "support/raw_client.h"
#include "web/error.h"
#include "web/server.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>

namespace gantry::tests {

/// What the routes saw; written on the loop.
struct Seen {
    std::atomic<std::uint64_t> body_bytes{0};
    std::atomic<int> body_error{0}; // web::Errc
    std::atomic<int> waiting{0};
    std::atomic<int> cancelled{0};
    std::atomic<int> writes_failed{0};
};

class ServerUnderTest {
public:
    explicit ServerUnderTest(web::ServerOptions options = {}, web::Gate gate = {})
    {
        add_routes();
        thread_.call([&] {
            server_.emplace(thread_.loop().get_executor(), std::move(options), router_);
            if (gate)
                server_->set_gate(std::move(gate));
            asio::ip::tcp::acceptor acceptor(thread_.loop(), {asio::ip::address_v4::loopback(), 0});
            port_ = acceptor.local_endpoint().port();
            asio::co_spawn(
                thread_.loop(),
                server_->serve(std::move(acceptor)),
                asio::bind_cancellation_slot(stop_.slot(), [](std::exception_ptr) {})
            );
        });
    }

    ~ServerUnderTest()
    {
        thread_.call([&] { stop_.emit(asio::cancellation_type::terminal); });
        stop();
        thread_.call([&] { server_.reset(); });
    }

    ServerUnderTest(const ServerUnderTest&) = delete;
    ServerUnderTest& operator=(const ServerUnderTest&) = delete;

    std::uint16_t port() const { return port_; }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    RawClient client() const { return RawClient(port_); }

    /// Sends one request over a connection of its own; the whole answer until the end.
    std::string exchange(std::string_view request) const
    {
        RawClient raw = client();
        raw.send(request);
        return raw.response();
    }

    int status(std::string_view request) const { return RawClient::status_of(exchange(request)); }

    void stop() { thread_.run(server_->stop()); }

    void drain()
    {
        thread_.call([&] { server_->drain(); });
    }

    void reload()
    {
        thread_.call([&] { server_->reload(); });
    }

    std::size_t connections()
    {
        return thread_.call([&] { return server_->connections(); });
    }

    /// Waits until `value` is `wanted`; false when it does not come to that.
    static bool becomes(const std::atomic<int>& value, int wanted)
    {
        for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
             value != wanted;
             std::this_thread::yield())
            if (std::chrono::steady_clock::now() > until)
                return false;
        return true;
    }

    Seen seen;

private:
    void add_routes();

    web::Router router_;
    LoopThread thread_;
    std::optional<web::Server> server_;
    asio::cancellation_signal stop_;
    std::uint16_t port_ = 0;
};

} // namespace gantry::tests
