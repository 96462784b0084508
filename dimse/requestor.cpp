#include "dimse/requestor.h"

#include "dimse/error.h"
#include "dimse/outbound.h"
#include "dimse/requestor_association.h"
#include "dimse/requestor_state.h"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace gantry::dimse {

namespace {

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
        // One that vanished before its first answer is asked again, from the beginning.
        if (progress && !association.vanished())
            progress(outcomes.size());
    }
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
    : state_(std::make_shared<RequestorState>(std::move(peer), std::move(options), pool))
{
}

asio::awaitable<Result<DimseStatus>> Requestor::echo()
{
    const auto state = state_;
    const auto turn = co_await state->turns->take(Length::brief);
    if (!turn)
        co_return turn.error();
    auto work = [state](std::stop_token token) {
        const StopSignal stop(std::move(token));
        Result<DimseStatus> status = error(Errc::closed);
        const auto talked =
            state->converse_anew(verification_plan(), stop, [&](RequestorAssociation& association) {
                status = association.echo();
            });
        return talked ? status : Result<DimseStatus>(talked.error());
    };
    Result<DimseStatus> stopped = error(Errc::stopped);
    co_return co_await with_thread(*state->pool, std::move(work), std::move(stopped));
}

asio::awaitable<Result<Negotiation>> Requestor::negotiate(std::vector<ProposedContext> proposals)
{
    const auto state = state_;
    const auto turn = co_await state->turns->take(Length::brief);
    if (!turn)
        co_return turn.error();
    auto work = [state, proposals = std::move(proposals)](std::stop_token token) {
        const StopSignal stop(std::move(token));
        Negotiation result;
        const auto start = std::chrono::steady_clock::now();
        const auto talk = [&](RequestorAssociation& association) {
            result = summary_of(association, proposals);
            result.round_trip = std::chrono::duration_cast<std::chrono::microseconds>(
                std::chrono::steady_clock::now() - start
            );
        };
        const auto talked = state->converse_anew({.contexts = proposals}, stop, talk);
        return talked ? Result<Negotiation>(std::move(result)) : talked.error();
    };
    Result<Negotiation> stopped = error(Errc::stopped);
    co_return co_await with_thread(*state->pool, std::move(work), std::move(stopped));
}

asio::awaitable<std::vector<SendOutcome>>
Requestor::store(std::vector<InstanceToSend> batch, std::function<void(std::size_t done)> progress)
{
    if (batch.empty())
        co_return std::vector<SendOutcome>{};
    const auto state = state_;
    const auto turn = co_await state->turns->take(Length::lengthy);
    if (!turn)
        co_return all_failed(batch.size(), turn.error());
    auto stopped = all_failed(batch.size(), error(Errc::stopped));
    auto work =
        [state, batch = std::move(batch), progress = std::move(progress)](std::stop_token token) {
            const StopSignal stop(std::move(token));
            std::vector<SendOutcome> outcomes;
            const auto talk = [&](RequestorAssociation& association) {
                outcomes = send_all(association, batch, progress);
            };
            const auto talked = state->converse({.contexts = contexts_for(batch)}, stop, talk);
            return talked ? std::move(outcomes) : all_failed(batch.size(), talked.error());
        };
    co_return co_await with_thread(*state->pool, std::move(work), std::move(stopped));
}

// Cancelled, it goes on until it has released what is kept.
asio::awaitable<void> Requestor::tend()
{
    using Associations = std::vector<AssociationShelf::Association>;
    const auto state = state_;
    const auto release = [state](Associations associations) {
        const auto shared = std::make_shared<Associations>(std::move(associations));
        return [shared](std::stop_token token) {
            const StopSignal stop(std::move(token));
            release_all(std::exchange(*shared, {}), stop);
            return true;
        };
    };
    co_await asio::this_coro::throw_if_cancelled(false);
    asio::steady_timer due(co_await asio::this_coro::executor);
    state->shelf.open();
    const auto cancelled = [](asio::cancellation_state state_now) {
        return state_now.cancelled() != asio::cancellation_type::none;
    };
    while (!cancelled(co_await asio::this_coro::cancellation_state)) {
        due.expires_at(state->shelf.next_due());
        const auto [early] = co_await due.async_wait(use_tuple);
        if (early)
            break;
        auto expired = state->shelf.take_expired(std::chrono::steady_clock::now());
        if (!expired.empty())
            co_await with_thread(*state->pool, release(std::move(expired)), false);
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    if (auto kept = state->shelf.close(); !kept.empty())
        co_await with_thread(*state->pool, release(std::move(kept)), false);
}

} // namespace gantry::dimse
