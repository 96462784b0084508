// C-FIND as SCU (PS3.7 9.3.2): asks, gives answers to the loop in their order.
#include "dimse/error.h"
#include "dimse/extended_negotiation.h"
#include "dimse/match_relay.h"
#include "dimse/outbound.h"
#include "dimse/requestor_association.h"
#include "dimse/requestor_state.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <utility>

namespace gantry::dimse {

namespace {

constexpr std::uint16_t pending_with_warning = 0xff01; // PS3.4 table C.4-1

/// One C-FIND, on its thread.
struct Find {
    FindInquiry inquiry;
    std::shared_ptr<DcmDataset> identifier; // our own copy
    asio::any_io_executor loop;
    MatchSink* matches;
    std::stop_token stop;

    Result<FindAnswer> on(RequestorAssociation& association) const;
};

bool covers(QueryOptions granted, QueryOptions required)
{
    const auto common = common_options(granted, required);
    return common.relational == required.relational && common.fuzzy == required.fuzzy &&
           common.combined_date_time == required.combined_date_time &&
           common.timezone == required.timezone;
}

Result<FindAnswer> Find::on(RequestorAssociation& association) const
{
    if (association.context_of(inquiry.sop_class, {}) == 0)
        return error(Errc::no_context, inquiry.sop_class.str());
    const QueryOptions granted = association.granted(inquiry.sop_class);
    if (!covers(granted, inquiry.required))
        return error(Errc::not_granted, inquiry.sop_class.str());
    const RequestorAssociation::Question question{
        .command = Command::c_find_rq, .sop_class = inquiry.sop_class
    };
    if (const auto asked = association.ask(question, *identifier); !asked)
        return asked.error();
    MatchRelay relay(loop, *matches, stop);
    for (bool wanted = true;;) {
        auto answer = association.next_answer();
        if (!answer)
            return answer.error();
        const std::uint16_t code = answer->status.code;
        if (status_class(code) != StatusClass::pending) {
            relay.finish();
            return FindAnswer{answer->status, granted};
        }
        if (!wanted || answer->data_set == nullptr ||
            relay.give(std::move(answer->data_set), code != pending_with_warning))
            continue;
        wanted = false;
        if (const auto cancelled = association.cancel(); !cancelled)
            return cancelled.error();
    }
}

/// What is required is wanted, too.
QueryOptions wanted_by(const FindInquiry& inquiry)
{
    const QueryOptions& a = inquiry.wanted;
    const QueryOptions& b = inquiry.required;
    return {
        .relational = a.relational || b.relational,
        .combined_date_time = a.combined_date_time || b.combined_date_time,
        .fuzzy = a.fuzzy || b.fuzzy,
        .timezone = a.timezone || b.timezone
    };
}

} // namespace

// The sink belongs to the coroutine that awaits us.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<Result<FindAnswer>> Requestor::find(FindInquiry inquiry, MatchSink& matches)
{
    const auto state = state_;
    const auto turn = co_await state->turns->take(Length::brief);
    if (!turn)
        co_return turn.error();
    const auto loop = co_await asio::this_coro::executor;
    auto identifier = std::make_shared<DcmDataset>(*inquiry.identifier);
    Find find{std::move(inquiry), std::move(identifier), loop, &matches, {}};
    auto work = [state, find = std::move(find)](std::stop_token token) mutable {
        find.stop = token;
        const StopSignal stop(std::move(token));
        Result<FindAnswer> result = error(Errc::closed);
        const auto plan = query_plan(find.inquiry.sop_class, wanted_by(find.inquiry));
        const auto talked = state->converse(plan, stop, [&](RequestorAssociation& association) {
            result = find.on(association);
        });
        return talked ? std::move(result) : Result<FindAnswer>(talked.error());
    };
    Result<FindAnswer> stopped = error(Errc::stopped);
    co_return co_await with_thread(*state->pool, std::move(work), std::move(stopped));
}

} // namespace gantry::dimse
