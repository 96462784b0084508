// Who may have one of a few places now, so that one who asks for many leaves room for others. Loop.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/ae_title.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace gantry {

/// `Key` says who: an AeTitle, or a number that its owner gave out.
template <class Key>
class FairTurns {
    struct State;

public:
    /// A place, given back at its end. May outlive the turns.
    class Turn {
    public:
        Turn(std::shared_ptr<State> state, Key who);
        ~Turn();
        Turn(Turn&&) noexcept = default;
        Turn& operator=(Turn&& other) noexcept;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        std::shared_ptr<State> state_;
        Key who_;
    };

    /// `places`: at least one; of four or more, a quarter is left to others.
    explicit FairTurns(std::size_t places);
    /// `for_one`: how many one can have at once, of all `places`.
    FairTurns(std::size_t places, std::size_t for_one);
    ~FairTurns();
    FairTurns(const FairTurns&) = delete;
    FairTurns& operator=(const FairTurns&) = delete;

    /// How many one can have at once.
    std::size_t for_one() const noexcept;

    /// There is one now, and nobody waits for it.
    std::optional<Turn> try_take(const Key& who);

    /// Waits: the next place goes to the one who has the fewest, and of those to who came first.
    /// Nothing: not within `longest`. Ends by exception (operation_aborted) where cancelled.
    asio::awaitable<std::optional<Turn>> take(Key who, std::chrono::milliseconds longest);
    /// As above, for as long as it takes.
    asio::awaitable<Turn> take(Key who);

    /// Another waits, and could go on with what this one has.
    bool wanted_by_others(const Key& who) const;

private:
    using Moment = std::chrono::steady_clock::time_point;

    asio::awaitable<std::optional<Turn>> take_until(Key who, Moment last);

    std::shared_ptr<State> state_;
};

extern template class FairTurns<AeTitle>;
extern template class FairTurns<std::uint64_t>;

/// Of peers.
using Turns = FairTurns<AeTitle>;

} // namespace gantry
