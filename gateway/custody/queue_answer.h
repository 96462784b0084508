// How an answer comes back from another thread to whoever awaits it. Internal to custody's queue.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/result.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace gantry::custody {

/// Awaits what `start(answer)` will answer, from whatever thread. Not interrupted by cancellation.
template <class T, class Start>
asio::awaitable<T> answered(Start start)
{
    auto initiate = [](auto handler, Start begin) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        auto executor = asio::get_associated_executor(*shared);
        auto guard = asio::make_work_guard(executor);
        begin([shared, executor, guard](T value) {
            asio::post(executor, [shared, value = std::move(value)]() mutable {
                std::move (*shared)(std::move(value));
            });
        });
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(
        std::move(initiate), asio::use_awaitable, std::move(start)
    );
}

template <class T>
using Answer = std::function<void(Result<T>)>;

} // namespace gantry::custody
