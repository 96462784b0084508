// Work on several things at once, handed on in their order. Loop.
#pragma once

#include "gateway/loop/asio.h"
#include "gateway/loop/change.h"

#include <cstddef>
#include <functional>

namespace gantry {

class OrderedWork {
public:
    /// False: nothing more is to be done.
    using Step = std::function<asio::awaitable<bool>(std::size_t)>;

    OrderedWork(asio::any_io_executor loop, std::size_t at_once);

    /// prepare(0), prepare(1) ... `at_once` of them at a time, hand_on(0), hand_on(1) ... one after
    /// the other, each when it is prepared. Completes with the last, or when what was begun has
    /// ended after a step said false. Once.
    asio::awaitable<void> run(std::size_t count, Step prepare, Step hand_on);

    /// Whose turn it is to be handed on.
    std::size_t turn() const noexcept { return turn_; }

    bool stopped() const noexcept { return stopped_; }

private:
    asio::awaitable<void> lane();

    Change change_;
    std::size_t at_once_;
    std::size_t count_ = 0;
    std::size_t next_ = 0;
    std::size_t turn_ = 0;
    bool stopped_ = false;
    Step prepare_;
    Step hand_on_;
};

} // namespace gantry
