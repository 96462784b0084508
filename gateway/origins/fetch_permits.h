// Who may send a request to an origin now: so many at once, shared out over the retrieves that are
// under way, so that a large one does not starve the others. Loop.
#pragma once

#include "gateway/loop/fair_turns.h"

namespace gantry {

/// By the number of a retrieve. Where there are three or more, one is always left to others.
class FetchPermits : public FairTurns<std::uint64_t> {
public:
    /// At least one.
    explicit FetchPermits(std::size_t at_once)
        : FairTurns(at_once, at_once > 2 ? at_once - 1 : at_once)
    {
    }

    /// For the next retrieve.
    std::uint64_t number() noexcept { return ++last_; }

private:
    std::uint64_t last_ = 0;
};

} // namespace gantry
