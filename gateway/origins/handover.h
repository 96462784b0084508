// Between those who fetch and the asker who takes: a window of whole instances, so that the next
// are read while the sink stores. Loop.
#pragma once

#include "gateway/origin.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace gantry {

class Handover {
public:
    /// One whole instance. `weight` is what it counts for in the window; `taken` is called when the
    /// sink has it.
    struct Item {
        std::unique_ptr<InstanceContent> content;
        Bytes weight;
        std::size_t number = 0;
    };

    using Taken = std::function<void(std::size_t number)>;

    /// `sink` outlives it.
    Handover(const asio::any_io_executor& loop, RetrieveSink& sink, Bytes window, Taken taken);

    /// Waits until less than the window is under way; false where that takes longer than
    /// `longest`. Ends by exception where cancelled.
    asio::awaitable<bool> room(std::chrono::milliseconds longest);

    /// Never waits: the window is overdrawn by one item for each who fetches, at the most.
    void put(Item item);

    /// Nothing more will be put.
    void close();

    /// Gives to the sink until all is given; several of these may run at once. An error of the sink
    /// is kept in refusal(), and leaves by exception (operation_aborted), as cancellation does.
    asio::awaitable<void> deliver();

    const std::optional<Error>& refusal() const noexcept { return refusal_; }

private:
    void wake();
    asio::awaitable<void> change(asio::steady_timer::time_point until);

    RetrieveSink& sink_;
    Taken taken_;
    std::uint64_t window_;
    std::uint64_t under_way_ = 0; // weight put and not yet taken
    std::deque<Item> items_;
    asio::any_io_executor loop_;
    std::vector<asio::steady_timer*> waiting_; // for a change
    bool closed_ = false;
    std::optional<Error> refusal_;
};

} // namespace gantry
