// Accepts associations. The loop reads each A-ASSOCIATE-RQ whole, under a deadline and a size
// limit, before a thread of the pool is spent on it: a silent, slow or broken peer costs memory,
// never a thread.
#pragma once

#include "dimse/options.h"
#include "dimse/service_provider.h"
#include "gateway/loop/worker_pool.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <memory>

namespace gantry::dimse {

/// Once per process, before any thread starts: the data dictionary, DCMTK's log bridged into spdlog
/// (errors only: below them are values of data sets), SIGPIPE ignored. Fails where the dictionary
/// cannot be loaded.
Result<void> initialise();

class Listener {
public:
    /// `pool` needs as many threads as options.max_associations. All references outlive the
    /// listener. A called AE title other than options.ae_title is refused before the provider is
    /// asked.
    Listener(
        asio::any_io_executor loop,
        AcceptorOptions options,
        WorkerPool& pool,
        ServiceProvider& provider
    );
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Serves one bound acceptor until cancelled. May run for several acceptors at once. Of more
    /// than options.max_pending_connections the oldest gives way. Loop.
    asio::awaitable<void> serve(asio::ip::tcp::acceptor acceptor);

    /// No new associations: later requests are refused as temporary congestion; running ones go on.
    /// Loop.
    void drain();
    /// Aborts what still runs (A-ABORT goes out) and completes when no association is left. Loop.
    asio::awaitable<void> stop();

    std::size_t associations() const noexcept; // negotiated or being negotiated; loop
    std::size_t pending() const noexcept; // connections whose A-ASSOCIATE-RQ is not complete; loop

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::dimse
