// A loop on a thread of its own, so that a test can talk to what runs there from outside. The
// destructor stops the loop: end what runs on it before.
#pragma once

#include "gateway/loop/asio.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>

namespace gantry::tests {

class LoopThread {
public:
    LoopThread() : guard_(asio::make_work_guard(loop_)), thread_([this] { loop_.run(); }) {}

    ~LoopThread()
    {
        loop_.stop();
        thread_.join();
    }

    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

    asio::io_context& loop() { return loop_; }

    /// Runs `task` on the loop and waits for its end.
    template <class T>
    T run(asio::awaitable<T> task)
    {
        auto ended = asio::co_spawn(loop_, std::move(task), asio::use_future);
        return value_of(ended);
    }

    /// Calls `f` on the loop and waits for its result.
    template <class F>
    auto call(F f)
    {
        std::packaged_task<decltype(f())()> task(std::move(f));
        auto ended = task.get_future();
        // Asio takes a packaged_task for a token of its own.
        asio::post(loop_, [task = std::move(task)]() mutable { task(); });
        return value_of(ended);
    }

private:
    template <class T>
    static T value_of(std::future<T>& ended)
    {
        constexpr std::chrono::seconds longest{60};
        if (ended.wait_for(longest) != std::future_status::ready)
            throw std::runtime_error("the task hangs");
        return ended.get();
    }

    asio::io_context loop_;
    asio::executor_work_guard<asio::io_context::executor_type> guard_;
    std::thread thread_;
};

} // namespace gantry::tests
