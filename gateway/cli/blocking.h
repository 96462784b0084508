// Runs one coroutine to its end, for commands that have a loop of their own.
#pragma once

#include "gateway/loop/asio.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace gantry::cli {

/// The task's own deadlines bound it. Throws what it throws.
template <class T>
T run_to_end(asio::io_context& loop, asio::awaitable<T> task)
{
    std::optional<T> value;
    std::exception_ptr fault;
    auto ended = [&](std::exception_ptr failed, T result) {
        fault = std::move(failed);
        value.emplace(std::move(result));
        loop.stop();
    };
    asio::co_spawn(loop, std::move(task), std::move(ended));
    loop.restart();
    loop.run();
    if (fault)
        std::rethrow_exception(fault);
    return std::move(*value);
}

} // namespace gantry::cli
