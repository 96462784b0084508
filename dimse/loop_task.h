// A coroutine on the loop that belongs to a request under way: the association's thread starts it,
// serves the peer meanwhile, and does not go on before it has ended. Thread safe where it says so.
#pragma once

#include "dimse/connection.h"
#include "gateway/loop/asio.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace gantry::dimse {

template <class T>
class LoopTask {
public:
    /// `wake` is called when the coroutine has ended.
    LoopTask(asio::any_io_executor loop, std::shared_ptr<WakeSignal> wake)
        : loop_(std::move(loop)), state_(std::make_shared<State>())
    {
        state_->wake = std::move(wake);
    }

    LoopTask(const LoopTask&) = delete;
    LoopTask& operator=(const LoopTask&) = delete;
    ~LoopTask() = default;

    /// `make` is called on the loop and gives the coroutine. What both refer to outlives wait().
    template <class F>
    void start(F make)
    {
        asio::post(loop_, [loop = loop_, state = state_, make = std::move(make)]() mutable {
            auto done = [state](std::exception_ptr fault, T value) {
                state->end(fault, std::move(value));
            };
            asio::co_spawn(
                loop, make(), asio::bind_cancellation_slot(state->cancel.slot(), std::move(done))
            );
        });
    }

    /// Asks it to end. Any thread.
    void cancel()
    {
        asio::post(loop_, [state = state_] {
            state->cancel.emit(asio::cancellation_type::terminal);
        });
    }

    bool ended() const
    {
        const std::lock_guard lock(state_->mutex);
        return state_->ended;
    }

    /// Blocks until it has ended. Not on the loop.
    void wait() const
    {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait(lock, [this] { return state_->ended; });
    }

    /// Once, after its end; throws what it threw.
    T take()
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->fault)
            std::rethrow_exception(state_->fault);
        return std::move(*state_->value);
    }

private:
    struct State {
        void end(std::exception_ptr thrown, T result)
        {
            const std::lock_guard lock(mutex);
            fault = std::move(thrown);
            value.emplace(std::move(result));
            ended = true;
            changed.notify_all();
            wake->wake();
        }

        std::mutex mutex;
        std::condition_variable changed;
        asio::cancellation_signal cancel; // loop only
        std::shared_ptr<WakeSignal> wake;
        std::exception_ptr fault;
        std::optional<T> value;
        bool ended = false;
    };

    asio::any_io_executor loop_;
    std::shared_ptr<State> state_;
};

} // namespace gantry::dimse
