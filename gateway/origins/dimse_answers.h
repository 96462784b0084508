// What answers a find itself, as opposed to what is asked on the way to it: one question within a
// study or series, or one in each of several, and what is held of them until it is complete or its
// turn comes. Loop.
#pragma once

#include "gateway/origins/dimse_completion.h"
#include "gateway/origins/dimse_matches.h"
#include "gateway/origins/ordered_work.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace gantry {

/// A study or series that is asked within.
struct FindParent {
    FindPlace place = {};
    std::shared_ptr<DcmDataset> attributes = {}; // null: nothing of it is wanted
};

/// How a PACS is asked: what is negotiated for it.
struct FindMode {
    bool relational = false;
    bool fuzzy = false;
    bool timezone = false;
};

class DimseAnswers {
public:
    /// All outlive it.
    struct Parts {
        const DimseOriginOptions& options;
        const DimseFindKeys& keys;
        DimseQuestions& questions;
        DimseCompletion& completion;
        DimseMatches& matches;
    };

    DimseAnswers(asio::any_io_executor loop, Parts parts, FindMode mode);

    struct Settled {
        FindEnd end;       // incomplete: the find ends so
        bool kept = false; // by the keys
    };

    /// Before a parent is asked within: completes and matches it. May ask.
    using Settle = std::function<asio::awaitable<Settled>(FindParent&)>;

    /// The matches within each of the parents, in their order.
    asio::awaitable<FindEnd> within(std::vector<FindParent> parents, Settle settle);

    /// The PACS does not do what `mode` needs; nothing was asked.
    bool not_granted() const noexcept { return not_granted_; }

    /// What is negotiated for a question of that level.
    dimse::QueryOptions required(QueryLevel level) const;

private:
    struct Held {
        std::unique_ptr<DcmDataset> match;
        bool admitted = false;
    };

    struct Lane {
        FindParent parent;
        std::size_t index = 0;
        bool raw = false; // matches are held as they came
        std::vector<Held> held;
    };

    class Sink;

    asio::awaitable<FindEnd> alone(FindParent parent, const Settle& settle);
    asio::awaitable<FindEnd> several(std::vector<FindParent> parents, Settle settle);
    asio::awaitable<bool> prepare(std::size_t index);
    asio::awaitable<bool> hand_on(std::size_t index);
    asio::awaitable<FindEnd> ask(Lane& lane);
    asio::awaitable<Result<void>> take(Lane& lane, std::unique_ptr<DcmDataset> match);
    Result<void> hold(Lane& lane, std::unique_ptr<DcmDataset> match, bool admitted);
    asio::awaitable<bool> complete(Held& held);
    asio::awaitable<bool> deliver(Held& held);
    bool fail(FindEnd end);

    asio::any_io_executor loop_;
    Parts parts_;
    FindMode mode_;
    Settle settle_;
    std::vector<Lane> lanes_;
    std::optional<OrderedWork> order_; // where there are several lanes
    std::size_t held_ = 0;
    bool overflow_ = false;
    bool not_granted_ = false;
    std::optional<FindEnd> failure_;
};

} // namespace gantry
