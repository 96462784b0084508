// One retrieve from an archive that speaks DIMSE: what it covers by C-FIND, then C-GET, or C-MOVE
// to ourselves where the PACS does not take that (PS3.4 C.4.2, C.4.3), until all has come or there
// is nothing left to try. Loop. One use.
#pragma once

#include "dimse/requestor.h"
#include "gateway/loop/fair_turns.h"
#include "gateway/origins/dimse_origin.h"
#include "gateway/origins/dimse_passage.h"
#include "gateway/origins/dimse_verdict.h"
#include "gateway/origins/expected_instances.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gantry {

/// What a PACS has shown of itself in retrieves. Loop.
struct DimseRetrieveMemory {
    bool gets = false;   // C-GET has brought something
    bool no_get = false; // it does not take C-GET, and C-MOVE has
    std::optional<Rendezvous> rendezvous;
    Turns moves{1}; // where they have to go one at a time
    std::shared_ptr<MemoryBudget> memory = {};
};

/// What is needed to retrieve. The references outlive every retrieve.
struct DimseRetrieveRoom {
    const std::string& name; // of the origin, for logs
    const DimseOriginOptions& options;
    const DimseOrigin::Means& means;
    DimseRetrieveMemory& learned;
};

class DimseRetrieve {
public:
    /// `sink` outlives it.
    DimseRetrieve(DimseRetrieveRoom room, AskFind find, RetrieveSink& sink);

    /// As Origin::retrieve(). Ends by exception (operation_aborted) where cancelled; all that it
    /// started has ended then.
    asio::awaitable<RetrieveEnd> run(RetrieveQuestion question);

private:
    using Answer = Result<dimse::RetrieveAnswer>;

    asio::awaitable<void> fetch();
    asio::awaitable<bool> pursue(const DimseJob& job);
    asio::awaitable<Answer> get(const DimseJob& job);
    asio::awaitable<Answer> move(const DimseJob& job);
    static asio::awaitable<Answer> answered(asio::awaitable<Answer> asked, bool& flag);
    asio::awaitable<Answer> converse(asio::awaitable<Answer> asked);
    asio::awaitable<void>
    last_stores(const DimseJob& job, const MoveArrivals::Expectation& coming, const Answer& answer);
    dimse::RetrieveInquiry inquiry(const DimseJob& job, std::string_view sop_class) const;
    void learn(bool getting, std::size_t received);
    void learn(const MoveArrivals::Expectation& coming, const Answer& answer);
    void compare(const DimseJob& job, const Answer& answer, std::size_t received) const;
    bool may_get() const;

    DimseRetrieveRoom room_;
    AskFind find_;
    RetrieveSink& sink_;
    std::shared_ptr<DimsePassage> passage_;
    bool get_refused_ = false;
};

} // namespace gantry
