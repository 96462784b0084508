// C-FIND and C-MOVE as SCU (PS3.7 9.3.2, 9.3.3): asks on an association of its own, gives answers
// to the loop one by one.
#include "dimse/data_set.h"
#include "dimse/error.h"
#include "dimse/outbound.h"
#include "dimse/requestor.h"
#include "dimse/requestor_association.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <string>
#include <utility>

namespace gantry::dimse {

namespace {

constexpr std::uint16_t pending_with_warning = 0xff01; // PS3.4 table C.4-1

/// (0008,0058) of a final response.
std::vector<Uid> failed_instances(DcmDataset* data_set)
{
    std::vector<Uid> failed;
    OFString one;
    for (unsigned long i = 0;
         data_set != nullptr &&
         data_set->findAndGetOFString(DCM_FailedSOPInstanceUIDList, one, i).good();
         ++i) {
        if (auto uid = Uid::parse(one.c_str()))
            failed.push_back(std::move(*uid));
    }
    return failed;
}

bool pending(const DimseStatus& status)
{
    return status_class(status.code) == StatusClass::pending;
}

ProposedContext query_context(const Uid& sop_class)
{
    ProposedContext context;
    context.abstract_syntax = sop_class;
    for (const auto syntax : {transfer_syntax::explicit_le, transfer_syntax::implicit_le})
        context.transfer_syntaxes.push_back(Uid::parse(syntax).value_or(Uid{}));
    return context;
}

/// What a conversation needs, on its thread.
struct Inquiry {
    PeerAddress peer;
    RequestorOptions options;
    RequestorAssociation::Question question;
    std::shared_ptr<DcmDataset> identifier; // our own copy
};

Result<std::unique_ptr<RequestorAssociation>> ask(const Inquiry& inquiry, const StopSignal& stop)
{
    auto association = RequestorAssociation::open(
        inquiry.peer, inquiry.options, {query_context(inquiry.question.sop_class)}, stop
    );
    if (!association)
        return association.error();
    if (const auto asked = (*association)->ask(inquiry.question, *inquiry.identifier); !asked) {
        (*association)->release();
        return asked.error();
    }
    return association;
}

/// Gives a match to the loop and waits until that has taken it.
bool give(
    const asio::any_io_executor& loop,
    MatchSink& matches,
    RequestorAssociation::Answer answer,
    std::stop_token stop
)
{
    if (answer.data_set == nullptr)
        return true;
    try {
        return block_on(
                   loop,
                   matches.push(
                       std::move(answer.data_set), answer.status.code != pending_with_warning
                   ),
                   std::move(stop)
        )
            .has_value();
    } catch (const boost::system::system_error&) {
        return false; // cancelled
    }
}

Result<DimseStatus> find_all(
    const Inquiry& inquiry,
    const asio::any_io_executor& loop,
    MatchSink& matches,
    const std::stop_token& token
)
{
    const StopSignal stop(token);
    auto association = ask(inquiry, stop);
    if (!association)
        return association.error();
    bool wanted = true;
    for (;;) {
        auto answer = (*association)->next_answer();
        if (!answer)
            return answer.error();
        if (!pending(answer->status)) {
            (*association)->release();
            return answer->status;
        }
        if (!wanted || give(loop, matches, std::move(*answer), token))
            continue;
        wanted = false;
        if (const auto cancelled = (*association)->cancel(); !cancelled)
            return cancelled.error();
    }
}

Result<RetrieveAnswer>
move_all(const Inquiry& inquiry, const OnPending& progress, std::stop_token token)
{
    const StopSignal stop(std::move(token));
    auto association = ask(inquiry, stop);
    if (!association)
        return association.error();
    bool wanted = true;
    for (;;) {
        auto answer = (*association)->next_answer();
        if (!answer)
            return answer.error();
        if (!pending(answer->status)) {
            (*association)->release();
            return RetrieveAnswer{
                answer->status, answer->counts, failed_instances(answer->data_set.get())
            };
        }
        if (!wanted || !progress || progress(answer->counts))
            continue;
        wanted = false;
        if (const auto cancelled = (*association)->cancel(); !cancelled)
            return cancelled.error();
    }
}

} // namespace

// The sink belongs to the coroutine that awaits us.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<Result<FindAnswer>> Requestor::find(FindInquiry asked, MatchSink& matches)
{
    const auto loop = co_await asio::this_coro::executor;
    Inquiry inquiry;
    inquiry.peer = peer_;
    inquiry.options = options_;
    inquiry.question = {.command = Command::c_find_rq, .sop_class = std::move(asked.sop_class)};
    inquiry.identifier = std::make_shared<DcmDataset>(*asked.identifier);
    auto work = [inquiry = std::move(inquiry), loop, &matches](std::stop_token stop) {
        return find_all(inquiry, loop, matches, stop);
    };
    Result<DimseStatus> stopped = error(Errc::stopped);
    auto status = co_await with_thread(*pool_, std::move(work), std::move(stopped));
    if (!status)
        co_return status.error();
    co_return FindAnswer{std::move(*status), {}};
}

asio::awaitable<Result<RetrieveAnswer>>
Requestor::move(RetrieveInquiry asked, AeTitle destination, OnPending progress)
{
    Inquiry inquiry;
    inquiry.peer = peer_;
    inquiry.options = options_;
    inquiry.question = {
        .command = Command::c_move_rq,
        .sop_class = std::move(asked.sop_class),
        .destination = std::move(destination)
    };
    inquiry.identifier = std::make_shared<DcmDataset>(*asked.identifier);
    auto work = [inquiry = std::move(inquiry), progress = std::move(progress)](std::stop_token stop
                ) { return move_all(inquiry, progress, std::move(stop)); };
    Result<RetrieveAnswer> stopped = error(Errc::stopped);
    co_return co_await with_thread(*pool_, std::move(work), std::move(stopped));
}

} // namespace gantry::dimse
