// Puts the house together from its configuration: faces, origins, custody and operation, and runs
// it to a clean end. This is the one place that knows every room. Construction blocks (before the
// loop runs); all else is on the loop.
#pragma once

#include "config/config.h"
#include "gateway/loop/asio.h"
#include "mapping/vocabulary/result.h"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>
#include <vector>

namespace gantry {

class Service {
public:
    /// Opens and reconciles the state, binds every address. Fails with a text for an operator.
    static Result<std::unique_ptr<Service>> start(const Config& config, asio::any_io_executor loop);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// Serves until cancelled. Returns at once; the work goes on in tasks of its own.
    void run();

    /// Takes changed certificates now instead of within seconds.
    void reload();

    /// No new work comes in; completes when what was under way has ended. Cancel it after the time
    /// that it may take.
    asio::awaitable<void> drain();

    /// Ends what is left (A-ABORT goes out, unsent deliveries return to the queue) and completes
    /// when nothing runs.
    asio::awaitable<void> stop();

    /// Writes what is left to the disk and closes it. Blocking, after the loop has ended.
    void close();

private:
    struct State;
    explicit Service(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace gantry
