// How a requestor gets a thread for a conversation.
#pragma once

#include "dimse/error.h"
#include "gateway/loop/worker_pool.h"

#include <utility>

namespace gantry::dimse {

/// Runs `work` on a thread of the pool; a pool that has been stopped gives `when_stopped`.
template <class T, class F>
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): the pool outlives all
asio::awaitable<T> with_thread(WorkerPool& pool, F work, T when_stopped)
{
    try {
        co_return co_await offload(pool, std::move(work));
    } catch (const boost::system::system_error& fault) {
        if (fault.code() != asio::error::operation_aborted)
            throw;
    }
    co_return when_stopped;
}

} // namespace gantry::dimse
