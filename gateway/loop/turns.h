// Who may have one of a few places now, so that one who asks for many leaves room for others. Loop.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/ae_title.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

namespace gantry {

class Turns {
    struct State;

public:
    /// A place, given back at its end. May outlive the turns.
    class Turn {
    public:
        Turn(std::shared_ptr<State> state, AeTitle who);
        ~Turn();
        Turn(Turn&&) noexcept = default;
        Turn& operator=(Turn&& other) noexcept;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        std::shared_ptr<State> state_;
        AeTitle who_;
    };

    /// `places`: at least one.
    explicit Turns(std::size_t places);
    ~Turns();
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;

    /// How many one can have at once: of four or more, a quarter is left to others.
    std::size_t for_one() const noexcept;

    /// There is one now, and nobody waits for it.
    std::optional<Turn> try_take(const AeTitle& who);

    /// Waits: the next place goes to the one who has the fewest, and of those to who came first.
    /// Nothing: not within `longest`. Ends by exception (operation_aborted) where cancelled.
    asio::awaitable<std::optional<Turn>> take(AeTitle who, std::chrono::milliseconds longest);

private:
    std::shared_ptr<State> state_;
};

} // namespace gantry
