// Every coroutine runs in a group that can cancel it and wait for its end. Lives on the loop
// thread, and so do all its calls.
#pragma once

#include "gateway/loop/asio.h"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <list>
#include <string>

namespace gantry {

class TaskGroup {
public:
    /// `name` stands in the log line of a task that ended with an exception.
    TaskGroup(asio::any_io_executor loop, std::string name);
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    /// Starts `task`. An exception that leaves it is logged and counted; the others carry on. After
    /// cancel() nothing starts.
    void spawn(asio::awaitable<void> task);

    /// Asks every task to end (terminal cancellation). Tasks spawned later are not started.
    void cancel();

    /// Completes when no task is left. The group must not be destroyed earlier.
    asio::awaitable<void> drained();

    const asio::any_io_executor& executor() const noexcept { return loop_; }

    std::size_t size() const noexcept { return signals_.size(); }

    std::size_t faults() const noexcept { return faults_; }

private:
    asio::any_io_executor loop_;
    std::string name_;
    asio::steady_timer drained_;
    std::list<asio::cancellation_signal> signals_;
    std::size_t faults_ = 0;
    bool cancelled_ = false;
};

} // namespace gantry
