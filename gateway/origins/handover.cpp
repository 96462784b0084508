#include "gateway/origins/handover.h"

#include <boost/system/system_error.hpp>

#include <utility>

namespace gantry {

Handover::Handover(const asio::any_io_executor& loop, RetrieveSink& sink, Bytes window, Taken taken)
    : sink_(sink), taken_(std::move(taken)), window_(window.count), loop_(loop)
{
}

void Handover::wake()
{
    for (asio::steady_timer* one : waiting_)
        one->cancel();
}

// The loop is one thread: nothing changes between the look and the wait.
asio::awaitable<void> Handover::change(asio::steady_timer::time_point until)
{
    asio::steady_timer timer(loop_, until);
    waiting_.push_back(&timer);
    (void)co_await timer.async_wait(use_tuple); // a wait that is cancelled throws at the next
    std::erase(waiting_, &timer);
}

asio::awaitable<bool> Handover::room(std::chrono::milliseconds longest)
{
    const auto until = std::chrono::steady_clock::now() + longest;
    while (under_way_ >= window_) {
        if (std::chrono::steady_clock::now() >= until)
            co_return false;
        co_await change(until);
    }
    co_return true;
}

void Handover::put(Item item)
{
    under_way_ += item.weight.count;
    items_.push_back(std::move(item));
    wake();
}

void Handover::close()
{
    closed_ = true;
    wake();
}

asio::awaitable<void> Handover::deliver()
{
    for (;;) {
        while (items_.empty()) {
            if (closed_)
                co_return;
            co_await change(asio::steady_timer::time_point::max());
        }
        Item item = std::move(items_.front());
        items_.pop_front();
        const Result<void> taken = co_await sink_.instance(std::move(item.content));
        if (!taken) {
            if (!refusal_)
                refusal_ = taken.error();
            throw boost::system::system_error(asio::error::operation_aborted);
        }
        under_way_ -= item.weight.count;
        taken_(item.number);
        wake();
    }
}

} // namespace gantry
