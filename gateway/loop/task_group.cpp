#include "gateway/loop/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace gantry {

namespace {

// What ended a task, where that is worth a line: cancellation is how tasks are meant to end.
const char* fault_of(std::exception_ptr fault, std::string& text)
{
    try {
        std::rethrow_exception(std::move(fault));
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted)
            return nullptr;
        text = error.what();
    } catch (const std::exception& error) {
        text = error.what();
    } catch (...) {
        text = "unknown exception";
    }
    return text.c_str();
}

} // namespace

TaskGroup::TaskGroup(asio::any_io_executor loop, std::string name)
    : loop_(std::move(loop)),
      name_(std::move(name)),
      drained_(loop_, asio::steady_timer::time_point::max())
{
}

void TaskGroup::spawn(asio::awaitable<void> task)
{
    if (cancelled_)
        return;
    const auto slot = signals_.emplace(signals_.end());
    auto ended = [this, slot](std::exception_ptr fault) {
        signals_.erase(slot);
        std::string text;
        if (fault && fault_of(std::move(fault), text) != nullptr) {
            ++faults_;
            spdlog::error("task failed group={} reason=\"{}\"", name_, text);
        }
        if (signals_.empty())
            drained_.cancel();
    };
    asio::co_spawn(
        loop_, std::move(task), asio::bind_cancellation_slot(slot->slot(), std::move(ended))
    );
}

void TaskGroup::cancel()
{
    cancelled_ = true;
    // Emitting may end a task and erase its signal: step first, then emit.
    for (auto next = signals_.begin(); next != signals_.end();) {
        auto current = next++;
        current->emit(asio::cancellation_type::terminal);
    }
}

asio::awaitable<void> TaskGroup::drained()
{
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    while (!signals_.empty())
        co_await drained_.async_wait(use_tuple);
}

} // namespace gantry
