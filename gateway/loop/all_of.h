// Several coroutines of one kind at once. Loop.
#pragma once

#include "gateway/loop/asio.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <cstddef>
#include <functional>
#include <utility>

namespace gantry {

/// one(0), one(1) ... one(count - 1) at once; completes with the last. Where one throws, the others
/// are cancelled and what it threw is thrown.
inline asio::awaitable<void>
all_of(std::function<asio::awaitable<void>(std::size_t)> one, std::size_t count)
{
    using namespace asio::experimental::awaitable_operators;
    if (count == 0)
        co_return;
    if (count == 1)
        co_return co_await one(0);
    auto rest = [one](std::size_t i) { return one(i + 1); };
    std::function<asio::awaitable<void>(std::size_t)> others = std::move(rest);
    auto both = one(0) && all_of(std::move(others), count - 1);
    co_await std::move(both);
}

} // namespace gantry
