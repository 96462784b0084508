#include "dimse/retrieve_operation.h"

#include "dimse/data_set.h"
#include "dimse/log.h"
#include "dimse/store_command.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace gantry::dimse {

namespace {

constexpr std::chrono::hours no_deadline{24};

// The length of UI is 16 bits where the VR is written (PS3.5 7.1.2), and even.
constexpr std::size_t longest_ui = 65'534;

std::optional<std::vector<AcceptedContext>>
storage_contexts(Command command, const AcceptedContexts& contexts)
{
    if (command != Command::c_get_rq)
        return std::nullopt;
    std::vector<AcceptedContext> storage;
    std::ranges::copy_if(
        contexts.all(), std::back_inserter(storage), &AcceptedContext::peer_is_scp
    );
    return storage;
}

/// (0008,0058) with as many as fit (PS3.4 C.4.2.1.4.2).
Result<void>
write_failed(const std::vector<Uid>& failed, const Uid& transfer_syntax, wire::Buffer& out)
{
    const bool explicit_vr = transfer_syntax.str() != transfer_syntax::implicit_le;
    std::string list;
    std::size_t listed = 0;
    for (const Uid& uid : failed) {
        if (explicit_vr && list.size() + 1 + uid.str().size() > longest_ui)
            break;
        if (listed++ > 0)
            list += '\\';
        list += uid.str();
    }
    if (listed < failed.size())
        log().warn("failed instances not all listed count={} listed={}", failed.size(), listed);
    DcmDataset data_set;
    if (data_set.putAndInsertString(DCM_FailedSOPInstanceUIDList, list.c_str()).bad())
        return error(Errc::malformed, "Failed SOP Instance UID List");
    return encode_data_set(data_set, transfer_syntax, out);
}

/// Counters belong to what was begun (PS3.4 tables C.4-2, C.4-3).
bool counts_matter(const RetrieveOutcome& outcome)
{
    constexpr std::uint16_t sub_operations_failed = 0xa702;
    const SubOperations& counts = outcome.counts;
    return status_class(outcome.status.code) != StatusClass::failure ||
           outcome.status.code == sub_operations_failed ||
           counts.completed + counts.failed + counts.warning > 0;
}

/// Forgets what the coroutine left in the link once its frame is gone.
class Forgetting {
public:
    explicit Forgetting(RetrieveLink& link) : link_(&link) {}

    Forgetting(const Forgetting&) = delete;
    Forgetting& operator=(const Forgetting&) = delete;
    Forgetting(Forgetting&&) = delete;
    Forgetting& operator=(Forgetting&&) = delete;

    ~Forgetting() { link_->forget(); }

private:
    RetrieveLink* link_;
};

// The provider outlives every association.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<RetrieveOutcome> retrieve(
    ServiceProvider& provider,
    AssociationInfo info,
    RetrieveRequest request,
    std::shared_ptr<RetrieveLink> link
)
{
    const Forgetting forgetting(*link);
    co_return co_await provider.on_retrieve(std::move(info), std::move(request), *link);
}

} // namespace

RetrieveOperation::RetrieveOperation(
    AssociationSide& side, RequestHead head, const AcceptedContexts& contexts
)
    : Operation(side, std::move(head)),
      link_(std::make_shared<RetrieveLink>(
          side.loop, wake(), storage_contexts(request().command, contexts)
      )),
      task_(side.loop, wake())
{
}

Interruption RetrieveOperation::run(RetrieveRequest wanted)
{
    task_.start([&provider = side().provider,
                 info = side().info,
                 wanted = std::move(wanted),
                 link = link_]() mutable {
        return retrieve(provider, std::move(info), std::move(wanted), std::move(link));
    });
    const Interruption met = pump();
    if (met != Interruption::none) {
        link_->handover().close(error_of(met));
        task_.cancel();
    }
    task_.wait();
    link_->handover().close(error(Errc::closed, "the retrieve has ended"));
    return met == Interruption::none ? answer() : met;
}

void RetrieveOperation::on_cancel()
{
    link_->cancel();
}

Interruption RetrieveOperation::other(const CommandMessage& message)
{
    const auto status = store_answer(message.set, message_id_);
    if (!awaiting_ || !status)
        return Operation::other(message);
    awaiting_ = false;
    link_->handover().answer(*status);
    return Interruption::none;
}

Interruption RetrieveOperation::pump()
{
    for (;;) {
        const bool ended = task_.ended(); // before looking: all that it left is there then
        if (const Interruption met = send_what_is_due(); met != Interruption::none)
            return met;
        // A sub-operation that nobody waits for any more is still one message exchange to finish.
        if (ended && !awaiting_)
            return Interruption::none;
        if (const Interruption met = await(time_left()); met != Interruption::none)
            return met;
        if (awaiting_ && Clock::now() >= deadline_)
            return Interruption::silence;
    }
}

/// Between a C-STORE-RQ and its response nothing is said: the peer knows that we wait for it.
Interruption RetrieveOperation::send_what_is_due()
{
    if (awaiting_)
        return Interruption::none;
    const bool pending = pending_due();
    if (pending) {
        if (const Interruption met = add_pending(); met != Interruption::none)
            return met;
    }
    if (const auto instance = link_->handover().take())
        return send_store(*instance);
    return pending ? outcome_of(side().writer.flush()) : Interruption::none;
}

bool RetrieveOperation::pending_due()
{
    if (const auto counts = link_->take_pending()) {
        counts_ = counts;
        return true;
    }
    return counts_ && Clock::now() >= next_pending_;
}

Interruption RetrieveOperation::add_pending()
{
    next_pending_ = Clock::now() + side().pending_interval;
    wire::Buffer command;
    write_response(
        command, request(), {.status = {status::pending, {}}, .counts = counts_, .remaining = true}
    );
    return outcome_of(side().writer.add_command(request().context, command));
}

Interruption RetrieveOperation::send_store(const OutgoingInstance& instance)
{
    StoreHandover& handover = link_->handover();
    MessageWriter& writer = side().writer;
    const std::uint8_t context = link_->association().context_of(instance.key);
    if (context == 0) {
        const InstanceKey& key = instance.key;
        handover.answer(
            error(Errc::no_context, key.sop.sop_class.str() + " in " + key.transfer_syntax.str())
        );
        return outcome_of(writer.flush());
    }
    awaiting_ = true; // from its first byte on: a peer may refuse before it has read all
    const auto end = send_instance(writer, context, instance, ++message_id_);
    if (end.fault && end.begun) {
        handover.close(*end.fault);
        return Interruption::broken_off;
    }
    if (end.fault) {
        if (std::exchange(awaiting_, false))
            handover.answer(*end.fault);
        return outcome_of(writer.flush());
    }
    deadline_ = Clock::now() + side().connection.silence();
    return outcome_of(end.transfer);
}

std::chrono::milliseconds RetrieveOperation::time_left() const
{
    if (!awaiting_ && !counts_)
        return no_deadline;
    const auto left = (awaiting_ ? deadline_ : next_pending_) - Clock::now();
    return std::max(
        std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds{0}
    );
}

Interruption RetrieveOperation::answer()
{
    const RetrieveOutcome outcome = take_outcome();
    const StatusClass kind = status_class(outcome.status.code);
    QueryResponse response{.status = outcome.status};
    if (counts_matter(outcome))
        response.counts = outcome.counts;
    response.remaining = kind == StatusClass::cancel;
    wire::Buffer list;
    if (!outcome.failed.empty() && kind != StatusClass::success) {
        const auto written = write_failed(outcome.failed, request().transfer_syntax, list);
        response.data_set = written.has_value();
        if (!written)
            log().error("failed instances not listed reason=\"{}\"", written.error().text());
    }
    return send_final(response, list);
}

RetrieveOutcome RetrieveOperation::take_outcome()
{
    try {
        return task_.take();
    } catch (const std::exception& fault) {
        log().error("retrieve failed assoc={} reason=\"{}\"", side().info.id, fault.what());
        RetrieveOutcome failed;
        failed.status = {status::cannot_understand, "unable to process"};
        failed.counts = counts_.value_or(SubOperations{});
        return failed;
    }
}

} // namespace gantry::dimse
