// Runs one coroutine to its end on a loop of its own. For tests; a run that takes longer than a
// minute has hung and fails.
#pragma once

#include "gateway/loop/asio.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>

namespace gantry::tests {

inline constexpr std::chrono::seconds hang{60};

/// Runs `task` on `loop` until it ends; gives its value or throws what it threw.
template <class T>
T run(asio::io_context& loop, asio::awaitable<T> task)
{
    std::exception_ptr fault;
    bool ended = false;
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    if constexpr (std::is_void_v<T>) {
        auto done = [&](std::exception_ptr e) {
            fault = e;
            ended = true;
            loop.stop();
        };
        asio::co_spawn(loop, std::move(task), std::move(done));
    } else {
        auto done = [&](std::exception_ptr e, T result) {
            fault = e;
            ended = true;
            value.emplace(std::move(result));
            loop.stop();
        };
        asio::co_spawn(loop, std::move(task), std::move(done));
    }
    loop.restart();
    loop.run_for(hang);
    if (!ended)
        throw std::runtime_error("the task hangs");
    if (fault)
        std::rethrow_exception(fault);
    if constexpr (!std::is_void_v<T>)
        return std::move(*value);
}

/// The same on a loop that lives as long as the process: longer than every thread that a test's
/// pools have (see WorkerPool).
template <class T>
T run(asio::awaitable<T> task)
{
    static asio::io_context& loop = *new asio::io_context;
    return run(loop, std::move(task));
}

} // namespace gantry::tests

namespace gantry {
namespace test = tests; // both names are in use
}
