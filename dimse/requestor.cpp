#include "dimse/requestor.h"

#include "dimse/error.h"
#include "dimse/outbound.h"
#include "dimse/requestor_association.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <map>
#include <utility>

namespace gantry::dimse {

namespace {

// PS3.8 9.3.2.2: odd ids up to 255.
constexpr std::size_t max_contexts = 128;

Uid known_uid(std::string_view text)
{
    return Uid::parse(text).value_or(Uid{}); // a literal: never the other
}

ProposedContext verification_context()
{
    ProposedContext context;
    context.abstract_syntax = known_uid("1.2.840.10008.1.1");
    context.transfer_syntaxes = {
        known_uid(transfer_syntax::explicit_le), known_uid(transfer_syntax::implicit_le)
    };
    return context;
}

/// One context for each class and syntax in the batch: data sets leave as they are.
std::vector<ProposedContext> contexts_for(const std::vector<InstanceToSend>& batch)
{
    std::vector<ProposedContext> contexts;
    for (const InstanceToSend& instance : batch) {
        const InstanceKey& key = instance.key;
        const auto same = [&](const ProposedContext& context) {
            return context.abstract_syntax == key.sop.sop_class &&
                   context.transfer_syntaxes.front() == key.transfer_syntax;
        };
        if (contexts.size() == max_contexts || std::any_of(contexts.begin(), contexts.end(), same))
            continue;
        ProposedContext context;
        context.abstract_syntax = key.sop.sop_class;
        context.transfer_syntaxes = {key.transfer_syntax};
        contexts.push_back(std::move(context));
    }
    return contexts;
}

std::vector<SendOutcome> all_failed(std::size_t count, const Error& reason)
{
    return std::vector<SendOutcome>(count, SendOutcome{reason});
}

std::vector<SendOutcome> send_all(
    RequestorAssociation& association,
    const std::vector<InstanceToSend>& batch,
    const std::function<void(std::size_t)>& progress
)
{
    std::vector<SendOutcome> outcomes;
    outcomes.reserve(batch.size());
    for (const InstanceToSend& instance : batch) {
        if (association.usable())
            outcomes.push_back({association.store(instance)});
        else
            outcomes.push_back(outcomes.back()); // what ended the association
        if (progress)
            progress(outcomes.size());
    }
    association.release();
    return outcomes;
}

Negotiation
summary_of(const RequestorAssociation& association, const std::vector<ProposedContext>& proposals)
{
    Negotiation result;
    result.peer_pdu_size = association.accept().user.max_pdu;
    result.implementation_version = association.accept().user.implementation_version;
    for (const NegotiatedContext& context : association.accept().contexts) {
        const std::size_t place = context.id / 2U;
        if (place < proposals.size())
            result.contexts.push_back(
                {proposals[place].abstract_syntax, context.transfer_syntax, context.reason}
            );
    }
    return result;
}

} // namespace

Requestor::Requestor(PeerAddress peer, RequestorOptions options, WorkerPool& pool)
    : peer_(std::move(peer)), options_(std::move(options)), pool_(&pool)
{
}

asio::awaitable<Result<DimseStatus>> Requestor::echo()
{
    auto work = [peer = peer_, options = options_](std::stop_token token) -> Result<DimseStatus> {
        const StopSignal stop(std::move(token));
        auto association =
            RequestorAssociation::open(peer, options, {verification_context()}, stop);
        if (!association)
            return association.error();
        auto status = (*association)->echo();
        (*association)->release();
        return status;
    };
    Result<DimseStatus> stopped = error(Errc::stopped);
    co_return co_await with_thread(*pool_, std::move(work), std::move(stopped));
}

asio::awaitable<Result<Negotiation>> Requestor::negotiate(std::vector<ProposedContext> proposals)
{
    if (proposals.size() > max_contexts)
        proposals.resize(max_contexts);
    auto work = [peer = peer_,
                 options = options_,
                 proposals = std::move(proposals)](std::stop_token token) -> Result<Negotiation> {
        const StopSignal stop(std::move(token));
        const auto start = std::chrono::steady_clock::now();
        auto association = RequestorAssociation::open(peer, options, proposals, stop);
        if (!association)
            return association.error();
        Negotiation result = summary_of(**association, proposals);
        result.round_trip = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - start
        );
        (*association)->release();
        return result;
    };
    Result<Negotiation> stopped = error(Errc::stopped);
    co_return co_await with_thread(*pool_, std::move(work), std::move(stopped));
}

asio::awaitable<std::vector<SendOutcome>>
Requestor::store(std::vector<InstanceToSend> batch, std::function<void(std::size_t done)> progress)
{
    auto stopped = all_failed(batch.size(), error(Errc::stopped));
    auto work = [peer = peer_,
                 options = options_,
                 batch = std::move(batch),
                 progress = std::move(progress)](std::stop_token token) {
        const StopSignal stop(std::move(token));
        if (batch.empty())
            return std::vector<SendOutcome>{};
        auto association = RequestorAssociation::open(peer, options, contexts_for(batch), stop);
        if (!association)
            return all_failed(batch.size(), association.error());
        return send_all(**association, batch, progress);
    };
    co_return co_await with_thread(*pool_, std::move(work), std::move(stopped));
}

} // namespace gantry::dimse
