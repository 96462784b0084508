// Threads for what blocks, and the two bridges between them and the loop: offload() lets a
// coroutine wait for a thread, block_on() lets a thread wait for a coroutine. There are no others.
#pragma once

#include "gateway/loop/asio.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

namespace gantry {

/// A bounded number of threads, started when first needed, joined by the destructor. A loop that
/// offload() resumes coroutines on outlives the pool: a thread that has handed over its result may
/// not have left the loop's post() when the coroutine goes on already.
class WorkerPool {
public:
    using Work = std::function<void(std::stop_token)>;

    /// `name` names the threads (15 characters at the most).
    WorkerPool(std::string name, std::size_t max_threads);
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Runs `work` on a thread of the pool; queued while all are busy. Any thread may call. The
    /// token is the pool's: stop() requests it. After stop() nothing new is taken and false
    /// returned.
    bool submit(Work work);

    /// Asks running work to end. Work still waiting runs with its stop already requested, so that
    /// whoever waits for it is answered. Any thread.
    void stop();

    /// Waits for all threads to end; stop() first, or this waits for the work.
    void join();

    std::size_t busy() const;

    std::size_t max_threads() const noexcept { return max_threads_; }

private:
    struct State;
    std::size_t max_threads_;
    std::unique_ptr<State> state_;
};

/// Runs `work(std::stop_token)` on `pool` and resumes the coroutine on its own executor with the
/// result. Cancelling the coroutine requests stop and still waits for the work to return: what it
/// refers to stays alive. An exception travels. Throws operation_aborted where the pool has been
/// stopped.
template <class F>
auto offload(WorkerPool& pool, F work)
    -> asio::awaitable<std::invoke_result_t<F&, std::stop_token>>;

/// Runs `task` on `loop` and blocks this thread until it ends. A stop request cancels the task.
/// Never call it on the loop.
template <class T>
T block_on(asio::any_io_executor loop, asio::awaitable<T> task, std::stop_token stop);

// Implementation below.

template <class F>
auto offload(WorkerPool& pool, F work) -> asio::awaitable<std::invoke_result_t<F&, std::stop_token>>
{
    using Value = std::invoke_result_t<F&, std::stop_token>;
    using Kept = std::conditional_t<std::is_void_v<Value>, bool, std::optional<Value>>;

    struct State {
        explicit State(F w) : work(std::move(w)) {}

        F work;
        std::stop_source stop;
        Kept value{};
        std::exception_ptr fault;
    };

    const auto state = std::make_shared<State>(std::move(work));
    auto start = [&pool, state](auto handler) {
        auto slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected())
            slot.assign([state](asio::cancellation_type) { state->stop.request_stop(); });
        auto executor = asio::get_associated_executor(handler);
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        auto guard = asio::make_work_guard(executor);
        const bool accepted =
            pool.submit([job = state, shared, guard, executor](std::stop_token pool_stop) mutable {
                {
                    std::stop_callback forward(pool_stop, [&] { job->stop.request_stop(); });
                    try {
                        if constexpr (std::is_void_v<Value>)
                            job->work(job->stop.get_token());
                        else
                            job->value.emplace(job->work(job->stop.get_token()));
                    } catch (...) {
                        job->fault = std::current_exception();
                    }
                }
                // This thread keeps nothing of the loop, and nothing that the work refers to: once
                // resumed, the coroutine may end both.
                auto resume = [shared = std::move(shared),
                               guard = std::move(guard),
                               kept = std::move(job)]() mutable {
                    kept.reset();
                    std::move (*shared)(boost::system::error_code{});
                };
                asio::post(executor, std::move(resume));
            });
        if (!accepted)
            asio::post(executor, [shared]() mutable {
                std::move (*shared)(boost::system::error_code(asio::error::operation_aborted));
            });
    };
    const auto [ec] =
        co_await asio::async_initiate<decltype(use_tuple), void(boost::system::error_code)>(
            std::move(start), use_tuple
        );
    if (ec)
        throw boost::system::system_error(ec);
    if (state->fault)
        std::rethrow_exception(state->fault);
    if constexpr (!std::is_void_v<Value>)
        co_return std::move(*state->value);
}

template <class T>
T block_on(asio::any_io_executor loop, asio::awaitable<T> task, std::stop_token stop)
{
    struct State {
        asio::cancellation_signal cancel;
        std::promise<T> promise;
    };

    const auto state = std::make_shared<State>();
    auto finished = state->promise.get_future();
    asio::post(loop, [loop, state, task = std::move(task)]() mutable {
        if constexpr (std::is_void_v<T>) {
            auto done = [state](std::exception_ptr fault) {
                fault ? state->promise.set_exception(fault) : state->promise.set_value();
            };
            asio::co_spawn(
                loop,
                std::move(task),
                asio::bind_cancellation_slot(state->cancel.slot(), std::move(done))
            );
        } else {
            auto done = [state](std::exception_ptr fault, T value) {
                fault ? state->promise.set_exception(fault)
                      : state->promise.set_value(std::move(value));
            };
            asio::co_spawn(
                loop,
                std::move(task),
                asio::bind_cancellation_slot(state->cancel.slot(), std::move(done))
            );
        }
    });
    std::stop_callback on_stop(stop, [loop, state] {
        asio::post(loop, [state] { state->cancel.emit(asio::cancellation_type::terminal); });
    });
    return finished.get();
}

} // namespace gantry
