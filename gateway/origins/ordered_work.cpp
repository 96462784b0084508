#include "gateway/origins/ordered_work.h"

#include "gateway/loop/all_of.h"

#include <algorithm>
#include <utility>

namespace gantry {

OrderedWork::OrderedWork(asio::any_io_executor loop, std::size_t at_once)
    : change_(std::move(loop)), at_once_(std::max<std::size_t>(at_once, 1))
{
}

asio::awaitable<void> OrderedWork::run(std::size_t count, Step prepare, Step hand_on)
{
    count_ = count;
    prepare_ = std::move(prepare);
    hand_on_ = std::move(hand_on);
    auto one = [this](std::size_t) { return lane(); };
    std::function<asio::awaitable<void>(std::size_t)> each = std::move(one);
    co_await all_of(std::move(each), std::min(at_once_, count));
}

asio::awaitable<void> OrderedWork::lane()
{
    while (next_ < count_ && !stopped_) {
        const std::size_t mine = next_++;
        const bool prepared = co_await prepare_(mine);
        stopped_ = stopped_ || !prepared;
        while (turn_ < mine && !stopped_)
            co_await change_.wait();
        if (!stopped_) {
            const bool more = co_await hand_on_(mine);
            stopped_ = stopped_ || !more;
            ++turn_;
        }
        change_.notify();
    }
}

} // namespace gantry
