#include "gateway/faces/dimse_face.h"

#include "gateway/error.h"
#include "gateway/faces/incoming_store.h"
#include "mapping/status.h"
#include "mapping/vocabulary/sop_class.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace gantry::faces {

using dimse::ContextAnswer;
using mapping::store_status;
using mapping::StoreFailure;

struct DimseFace::State {
    State(DimseFaceOptions o, custody::Spool& s, custody::DeliveryQueue& q)
        : options(std::move(o)), spool(s), queue(q)
    {
    }

    DimseFaceOptions options;
    custody::Spool& spool;
    custody::DeliveryQueue& queue;
    std::function<void(const StoreObservation&)> observer;
    std::function<void(const AssociationObservation&)> association_observer;

    // The size of an association's last instance foretells the next one's: slices of a series are
    // alike.
    std::mutex mutex;
    std::unordered_map<std::uint64_t, Bytes> last_size;

    const PeerPermissions* permissions(const AeTitle& calling) const
    {
        const auto found = options.peers.find(calling);
        if (found != options.peers.end())
            return &found->second;
        return options.unknown_peers ? &*options.unknown_peers : nullptr;
    }

    Bytes expected_size(std::uint64_t association)
    {
        const std::lock_guard lock(mutex);
        const auto found = last_size.find(association);
        return found == last_size.end() ? Bytes{} : found->second;
    }

    void ended(const dimse::AssociationInfo& peer, const DimseStatus& answer, Bytes size)
    {
        {
            const std::lock_guard lock(mutex);
            last_size[peer.id] = size;
        }
        if (status_class(answer.code) == StatusClass::failure)
            spdlog::warn(
                "instance refused assoc={} calling={} status={:04x} reason=\"{}\"",
                peer.id,
                peer.calling.str(),
                answer.code,
                answer.comment
            );
        if (observer)
            observer({peer.calling, answer.code, size});
    }

    std::optional<StoreFailure>
    refuse(const dimse::AssociationInfo& peer, const dimse::StoreRequest& request) const
    {
        const PeerPermissions* may = permissions(peer.calling);
        if (may == nullptr || !may->store || options.store_to.empty())
            return StoreFailure::not_permitted;
        if (service_of(request.sop.sop_class.str()) != Service::storage)
            return StoreFailure::sop_class_not_supported;
        if (request.sop.sop_instance.empty())
            return StoreFailure::invalid_sop_instance;
        if (const auto room = queue.admit(); !room)
            return room.error().code == make_error_code(Errc::queue_full)
                       ? StoreFailure::queue_full
                       : StoreFailure::index_unavailable;
        return std::nullopt;
    }
};

DimseFace::DimseFace(DimseFaceOptions options, custody::Spool& spool, custody::DeliveryQueue& queue)
    : state_(std::make_unique<State>(std::move(options), spool, queue))
{
}

DimseFace::~DimseFace() = default;

void DimseFace::on_stored(std::function<void(const StoreObservation&)> observer)
{
    state_->observer = std::move(observer);
}

void DimseFace::on_association(std::function<void(const AssociationObservation&)> observer)
{
    state_->association_observer = std::move(observer);
}

std::optional<dimse::Refusal> DimseFace::admit(const dimse::AssociationRequest& request)
{
    if (request.called != state_->options.ae_title)
        return dimse::Refusal::called_ae_not_recognised;
    if (state_->permissions(request.calling) == nullptr)
        return dimse::Refusal::calling_ae_not_recognised;
    return std::nullopt;
}

std::uint16_t DimseFace::max_associations_of(const AeTitle& calling) const
{
    const PeerPermissions* may = state_->permissions(calling);
    return may == nullptr ? 0 : may->max_associations;
}

ContextAnswer DimseFace::negotiate(
    const dimse::AssociationInfo& peer, const dimse::ProposedContext& context
) const
{
    const PeerPermissions* may = state_->permissions(peer.calling);
    if (may == nullptr)
        return {ContextAnswer::Reason::user_rejection, std::nullopt};
    const auto& syntaxes = context.transfer_syntaxes;
    if (syntaxes.empty())
        return {ContextAnswer::Reason::transfer_syntaxes_not_supported, std::nullopt};
    switch (service_of(context.abstract_syntax.str())) {
    case Service::verification: {
        // C-ECHO has no data set: any syntax that exists will do.
        if (!may->echo)
            return {ContextAnswer::Reason::user_rejection, std::nullopt};
        return {ContextAnswer::Reason::accepted, syntaxes.front()};
    }
    case Service::storage: {
        if (state_->options.store_to.empty())
            return {ContextAnswer::Reason::abstract_syntax_not_supported, std::nullopt};
        if (!may->store)
            return {ContextAnswer::Reason::user_rejection, std::nullopt};
        const auto fits = std::ranges::find_if(syntaxes, state_->options.taken_as_is);
        return {ContextAnswer::Reason::accepted, fits == syntaxes.end() ? syntaxes.front() : *fits};
    }
    default: return {ContextAnswer::Reason::abstract_syntax_not_supported, std::nullopt};
    }
}

void DimseFace::association_opened(const dimse::AssociationInfo& peer)
{
    if (state_->association_observer)
        state_->association_observer({peer.calling, std::nullopt});
}

void DimseFace::association_refused(
    const dimse::AssociationRequest& request, dimse::Refusal refusal
)
{
    if (state_->association_observer)
        state_->association_observer({request.calling, refusal});
}

void DimseFace::association_closed(const dimse::AssociationInfo& peer)
{
    const std::lock_guard lock(state_->mutex);
    state_->last_size.erase(peer.id);
}

std::variant<std::unique_ptr<dimse::IncomingInstance>, DimseStatus>
DimseFace::begin_store(const dimse::AssociationInfo& peer, const dimse::StoreRequest& request)
{
    if (const auto failure = state_->refuse(peer, request)) {
        const DimseStatus answer = store_status(*failure);
        state_->ended(peer, answer, {});
        return answer;
    }
    auto writer = state_->spool.reserve(state_->expected_size(peer.id));
    if (!writer) {
        const bool full = writer.error().code == make_error_code(Errc::spool_full);
        const DimseStatus answer =
            store_status(full ? StoreFailure::spool_full : StoreFailure::storage_failed);
        state_->ended(peer, answer, {});
        return answer;
    }
    custody::Envelope envelope;
    envelope.face = "dimse";
    envelope.calling_ae = peer.calling.str();
    envelope.called_ae = peer.called.str();
    envelope.peer_address = peer.peer_address;
    envelope.destinations = state_->options.store_to;
    return std::make_unique<IncomingStore>(
        std::move(*writer),
        state_->queue,
        request,
        std::move(envelope),
        [state = state_.get(), peer](const DimseStatus& answer, Bytes size) {
            state->ended(peer, answer, size);
        }
    );
}

asio::awaitable<DimseStatus> DimseFace::on_echo(dimse::AssociationInfo /*peer*/)
{
    // C-ECHO says that we can be talked to (PS3.4 A.4); it does not fail while an origin is down.
    co_return DimseStatus{status::success, {}};
}

// No route gives the services below yet: their contexts are refused in negotiate(), so these answer
// only a peer that asks for them on a context of another class.
asio::awaitable<DimseStatus> DimseFace::on_find(
    dimse::AssociationInfo /*peer*/,
    dimse::FindRequest /*request*/,
    dimse::MatchSink& /*matches*/ // NOLINT: the association awaits us
)
{
    co_return DimseStatus{status::sop_class_not_supported, {}};
}

asio::awaitable<dimse::RetrieveOutcome> DimseFace::on_retrieve(
    dimse::AssociationInfo /*peer*/,
    dimse::RetrieveRequest /*request*/,
    dimse::RetrieveSession& /*session*/ // NOLINT: the association awaits us
)
{
    dimse::RetrieveOutcome outcome;
    outcome.status.code = status::sop_class_not_supported;
    co_return outcome;
}

asio::awaitable<dimse::NormalizedResponse>
DimseFace::on_normalized(dimse::AssociationInfo /*peer*/, dimse::NormalizedRequest /*request*/)
{
    dimse::NormalizedResponse response;
    response.status = {status::sop_class_not_supported, {}};
    co_return response;
}

} // namespace gantry::faces
