// The connections of one client: at most so many at once, first come first served, kept alive
// while they are used. Internal to web/. Runs on the loop.
#pragma once

#include "gateway/loop/asio.h"
#include "web/connection.h"
#include "web/message_reader.h"

#include <chrono>
#include <cstddef>
#include <memory>

namespace gantry::web {

/// A connection and what has been read from it.
struct Wire {
    explicit Wire(std::unique_ptr<Connection> made)
        : connection(std::move(made)), reader(*connection)
    {
    }

    std::unique_ptr<Connection> connection;
    MessageReader reader;
};

class ConnectionPool {
    struct State;

public:
    /// The right to use one connection, and that connection. Gives both back at its end; the
    /// connection lives on only after keep().
    class Lease {
    public:
        Lease() = default;

        explicit Lease(std::shared_ptr<State> pool) : pool_(std::move(pool)) {}

        ~Lease() { release(); }

        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        Lease(Lease&& other) noexcept = default;
        Lease& operator=(Lease&& other) noexcept;

        /// Takes the connection used last that is still fit, if there is one.
        bool take_idle();

        void set(std::unique_ptr<Wire> wire) { wire_ = std::move(wire); }

        Wire& wire() const { return *wire_; }

        bool holds() const noexcept { return pool_ != nullptr; }

        /// The next lease may use the connection.
        void keep();

        /// Closes the connection and keeps the right to another.
        void drop() { wire_.reset(); }

        void release();

    private:
        std::shared_ptr<State> pool_;
        std::unique_ptr<Wire> wire_;
    };

    ConnectionPool(asio::any_io_executor loop, std::size_t max, std::chrono::milliseconds idle);
    ~ConnectionPool();
    ConnectionPool(const ConnectionPool&) = delete;
    ConnectionPool& operator=(const ConnectionPool&) = delete;

    /// Errors: timeout; operation_aborted where cancelled.
    asio::awaitable<Result<Lease>> acquire(std::chrono::milliseconds longest);

private:
    std::shared_ptr<State> state_;
};

} // namespace gantry::web
