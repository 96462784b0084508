// Lets coroutines through one at a time, in no particular order. Loop.
#pragma once

#include "gateway/loop/change.h"

#include <boost/asio/this_coro.hpp>

#include <memory>
#include <utility>

namespace gantry {

class OneAtATime {
    struct State {
        explicit State(asio::any_io_executor loop) : change(std::move(loop)) {}

        Change change;
        bool held = false;
    };

public:
    /// Whoever holds it is alone; the next one goes when it is destroyed. May outlive the other.
    class Turn {
    public:
        explicit Turn(std::shared_ptr<State> state) noexcept : held_(std::move(state)) {}

        Turn(Turn&& other) noexcept = default;
        Turn& operator=(Turn&&) = delete;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

        ~Turn()
        {
            if (!held_)
                return;
            held_->held = false;
            held_->change.notify();
        }

    private:
        std::shared_ptr<State> held_;
    };

    explicit OneAtATime(asio::any_io_executor loop)
        : state_(std::make_shared<State>(std::move(loop)))
    {
    }

    /// Ends by exception (operation_aborted) where cancelled.
    asio::awaitable<Turn> turn()
    {
        while (state_->held) {
            co_await state_->change.wait();
            const auto cancelled = co_await asio::this_coro::cancellation_state;
            if (cancelled.cancelled() != asio::cancellation_type::none)
                throw boost::system::system_error(asio::error::operation_aborted);
        }
        state_->held = true;
        co_return Turn(state_);
    }

private:
    std::shared_ptr<State> state_;
};

} // namespace gantry
