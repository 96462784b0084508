// C-MOVE and C-GET as SCU (PS3.7 9.3.3, 9.3.4; PS3.4 C.4.2, C.4.3). What a C-GET brings goes from
// the wire to whoever takes it, on the association's thread; no data set is held here.
#include "dimse/error.h"
#include "dimse/outbound.h"
#include "dimse/requestor_association.h"
#include "dimse/requestor_state.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdeftag.h>

#include <string>
#include <utility>

namespace gantry::dimse {

namespace {

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

/// A unique key of a level above is missing (PS3.4 C.4.2.2.1).
bool relational(DcmDataset& identifier, const Uid& sop_class)
{
    OFString level;
    (void)identifier.findAndGetOFString(DCM_QueryRetrieveLevel, level);
    const auto missing = [&](const DcmTagKey& key) {
        OFString value;
        (void)identifier.findAndGetOFString(key, value);
        return value.empty();
    };
    const bool patient_root = sop_class.str().starts_with("1.2.840.10008.5.1.4.1.2.1.");
    const bool image = level == "IMAGE";
    const bool series = image || level == "SERIES";
    return (image && missing(DCM_SeriesInstanceUID)) || (series && missing(DCM_StudyInstanceUID)) ||
           (patient_root && (series || level == "STUDY") && missing(DCM_PatientID));
}

/// One C-MOVE or C-GET, on its thread.
class Retrieve {
public:
    struct Inquiry {
        RequestorAssociation::Question question;
        std::shared_ptr<DcmDataset> identifier; // our own copy
        std::vector<ProposedContext> storage;   // C-GET
        TakeInstance take;
        OnPending progress;
    };

    Retrieve(const Inquiry& inquiry, RequestorAssociation& association, const StopSignal& stop)
        : inquiry_(inquiry), association_(association), stop_(stop)
    {
    }

    Result<RetrieveAnswer> run();

private:
    class Watched;

    Result<void> begin();
    Result<std::optional<RequestorAssociation::Answer>> next();
    std::variant<std::unique_ptr<IncomingInstance>, DimseStatus> take(const StoreRequest& request);
    RetrieveAnswer end(RequestorAssociation::Answer answer) const;
    void cancel();

    /// From a stop request on nothing more is wanted, and the peer is told.
    void look_for_stop()
    {
        if (wanted_ && stop_.requested())
            cancel();
    }

    const Inquiry& inquiry_;
    RequestorAssociation& association_;
    const StopSignal& stop_;
    bool wanted_ = true;
    std::optional<SubOperations> told_;
    std::optional<Error> fault_; // of cancel()
};

/// Sends C-CANCEL in the middle of an instance.
class Retrieve::Watched final : public IncomingInstance {
public:
    Watched(Retrieve& retrieve, std::unique_ptr<IncomingInstance> inner)
        : retrieve_(retrieve), inner_(std::move(inner))
    {
    }

    Result<void> write(ConstBytes fragment) override
    {
        retrieve_.look_for_stop();
        return inner_->write(fragment);
    }

    DimseStatus finish() override { return inner_->finish(); }

private:
    Retrieve& retrieve_;
    std::unique_ptr<IncomingInstance> inner_;
};

Result<RetrieveAnswer> Retrieve::run()
{
    if (const auto begun = begin(); !begun)
        return begun.error();
    for (;;) {
        look_for_stop();
        if (fault_)
            return *fault_;
        auto answer = next();
        if (!answer)
            return answer.error();
        if (!*answer)
            continue;
        if (status_class((*answer)->status.code) != StatusClass::pending)
            return end(std::move(**answer));
        told_ = (*answer)->counts.value_or(SubOperations{});
        if (wanted_ && inquiry_.progress && !inquiry_.progress(*told_))
            cancel();
    }
}

Result<void> Retrieve::begin()
{
    const auto& question = inquiry_.question;
    if (association_.context_of(question.sop_class, {}) == 0)
        return error(Errc::no_context, question.sop_class.str());
    if (question.command == Command::c_get_rq && !association_.takes_stores(question.sop_class))
        return error(Errc::no_context, "no storage context with us as SCP");
    association_.stop_gently();
    return association_.ask(question, *inquiry_.identifier);
}

/// Nothing: something else has happened.
Result<std::optional<RequestorAssociation::Answer>> Retrieve::next()
{
    if (wanted_) {
        const auto ready = association_.await_message();
        if (!ready)
            return ready.error();
        if (!*ready)
            return std::optional<RequestorAssociation::Answer>{};
    }
    return association_.hear([this](const StoreRequest& request) { return take(request); });
}

std::variant<std::unique_ptr<IncomingInstance>, DimseStatus>
Retrieve::take(const StoreRequest& request)
{
    if (!wanted_)
        return DimseStatus{status::out_of_resources, "cancelled"};
    auto taken = inquiry_.take(request);
    if (auto* instance = std::get_if<std::unique_ptr<IncomingInstance>>(&taken))
        return std::make_unique<Watched>(*this, std::move(*instance));
    return taken;
}

RetrieveAnswer Retrieve::end(RequestorAssociation::Answer answer) const
{
    return {
        std::move(answer.status),
        answer.counts.value_or(told_.value_or(SubOperations{})),
        failed_instances(answer.data_set.get())
    };
}

void Retrieve::cancel()
{
    wanted_ = false;
    if (const auto sent = association_.cancel(); !sent)
        fault_ = sent.error();
}

AssociationPlan plan_of(const Retrieve::Inquiry& inquiry)
{
    const Uid& sop_class = inquiry.question.sop_class;
    AssociationPlan plan =
        query_plan(sop_class, {.relational = relational(*inquiry.identifier, sop_class)});
    for (ProposedContext context : inquiry.storage) {
        context.scu_role = false;
        context.scp_role = true;
        plan.contexts.push_back(std::move(context));
    }
    return plan;
}

/// What a C-MOVE or a C-GET alone has.
struct Sought {
    std::optional<AeTitle> destination = {}; // C-MOVE
    std::vector<ProposedContext> storage = {};
    TakeInstance take = {};
    OnPending progress = {};
};

asio::awaitable<Result<RetrieveAnswer>>
retrieve(std::shared_ptr<RequestorState> state, RetrieveInquiry asked, Sought sought)
{
    const auto turn = co_await state->turns->take(Length::lengthy);
    if (!turn)
        co_return turn.error();
    Retrieve::Inquiry inquiry;
    inquiry.question = {
        .command = sought.destination ? Command::c_move_rq : Command::c_get_rq,
        .sop_class = std::move(asked.sop_class),
        .destination = std::move(sought.destination),
        .message_id = asked.message_id
    };
    inquiry.identifier = std::make_shared<DcmDataset>(*asked.identifier);
    inquiry.storage = std::move(sought.storage);
    inquiry.take = std::move(sought.take);
    inquiry.progress = std::move(sought.progress);
    auto work = [state, inquiry = std::move(inquiry)](std::stop_token token) {
        const StopSignal stop(std::move(token));
        Result<RetrieveAnswer> result = error(Errc::closed);
        const auto talked =
            state->converse(plan_of(inquiry), stop, [&](RequestorAssociation& association) {
                result = Retrieve(inquiry, association, stop).run();
            });
        return talked ? std::move(result) : Result<RetrieveAnswer>(talked.error());
    };
    Result<RetrieveAnswer> stopped = error(Errc::stopped);
    co_return co_await with_thread(*state->pool, std::move(work), std::move(stopped));
}

} // namespace

asio::awaitable<Result<RetrieveAnswer>>
Requestor::move(RetrieveInquiry inquiry, AeTitle destination, OnPending progress)
{
    Sought sought;
    sought.destination = std::move(destination);
    sought.progress = std::move(progress);
    return retrieve(state_, std::move(inquiry), std::move(sought));
}

asio::awaitable<Result<RetrieveAnswer>> Requestor::get(
    RetrieveInquiry inquiry,
    std::vector<ProposedContext> storage,
    TakeInstance take,
    OnPending progress
)
{
    Sought sought;
    sought.storage = std::move(storage);
    if (sought.storage.size() > max_contexts - 1)
        sought.storage.resize(max_contexts - 1);
    sought.take = std::move(take);
    sought.progress = std::move(progress);
    return retrieve(state_, std::move(inquiry), std::move(sought));
}

} // namespace gantry::dimse
