// Who may send a request to an origin now: so many at once, shared out over the retrieves that are
// under way, so that a large one does not starve the others. Loop.
#pragma once

#include "gateway/loop/asio.h"

#include <cstddef>
#include <memory>

namespace gantry {

class FetchPermits {
    struct State;
    struct Standing;

public:
    /// One retrieve. Outlives its permits.
    class Party {
    public:
        explicit Party(FetchPermits& permits);
        ~Party();
        Party(const Party&) = delete;
        Party& operator=(const Party&) = delete;

    private:
        friend class FetchPermits;
        std::shared_ptr<State> state_;
        std::unique_ptr<Standing> standing_;
    };

    /// The right to one request, given back at its end.
    class Permit {
    public:
        Permit(std::shared_ptr<State> state, Standing& holder);
        ~Permit();
        Permit(Permit&&) noexcept = default;
        Permit& operator=(Permit&&) = delete;
        Permit(const Permit&) = delete;
        Permit& operator=(const Permit&) = delete;

    private:
        std::shared_ptr<State> state_;
        Standing* holder_;
    };

    /// At least one.
    explicit FetchPermits(std::size_t at_once);
    ~FetchPermits();
    FetchPermits(const FetchPermits&) = delete;
    FetchPermits& operator=(const FetchPermits&) = delete;

    /// How many one party can hold: where there are three or more, one is always left to others.
    std::size_t for_one() const noexcept;

    /// Waits for its turn: the next permit goes to the party that holds the fewest, then to the one
    /// that has waited longest. Ends by exception (operation_aborted) where cancelled.
    asio::awaitable<Permit> acquire(Party& party);

    /// Another waits, and could go on with what this one holds.
    bool wanted_by_others(const Party& party) const noexcept;

private:
    std::shared_ptr<State> state_;
};

} // namespace gantry
