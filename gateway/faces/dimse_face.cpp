#include "gateway/faces/dimse_face.h"

#include "gateway/error.h"
#include "gateway/faces/dimse_find.h"
#include "gateway/faces/incoming_store.h"
#include "gateway/faces/moved_context.h"
#include "gateway/origins/move_arrivals.h"
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

namespace {

/// A PACS that is no peer of ours for anything else: it may look whether we are there.
constexpr PeerPermissions mover{.store = false, .find = false, .move = false, .get = false};

} // namespace

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
    const FindService* find = nullptr;
    AnswerRetrieve retrieve;
    MoveArrivals* arrivals = nullptr;

    // The size of an association's last instance foretells the next one's: slices of a series are
    // alike.
    std::mutex mutex;
    std::unordered_map<std::uint64_t, Bytes> last_size;

    const PeerPermissions* permissions(const AeTitle& calling) const
    {
        const auto found = options.peers.find(calling);
        if (found != options.peers.end())
            return &found->second;
        if (options.unknown_peers)
            return &*options.unknown_peers;
        return moves_to_us(calling) ? &mover : nullptr;
    }

    bool moves_to_us(const AeTitle& calling) const
    {
        return arrivals != nullptr && arrivals->from_pacs(calling);
    }

    /// By the class of a query or a retrieval: is it offered, and may the peer?
    ContextAnswer::Reason may_query(const dimse::AssociationInfo& peer, Service service) const
    {
        const PeerPermissions* may = permissions(peer.calling);
        const bool offered = service == Service::find ? find != nullptr : retrieve != nullptr;
        if (!offered)
            return ContextAnswer::Reason::abstract_syntax_not_supported;
        const bool allowed = may != nullptr && (service == Service::find   ? may->find
                                                : service == Service::move ? may->move
                                                                           : may->get);
        return allowed ? ContextAnswer::Reason::accepted : ContextAnswer::Reason::user_rejection;
    }

    ContextAnswer storage_context(
        const PeerPermissions& may, bool moves, const dimse::ProposedContext& context
    ) const;

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

namespace {

/// Uncompressed, little endian: nothing else is worth having for what is small, or where it is not
/// known what will be sent.
std::optional<Uid> plain_syntax(const std::vector<Uid>& offered)
{
    for (const char* wanted : {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2"}) {
        const auto found = std::ranges::find(offered, wanted, &Uid::str);
        if (found != offered.end())
            return *found;
    }
    return std::nullopt;
}

ContextAnswer query_context(ContextAnswer::Reason reason, const std::vector<Uid>& offered)
{
    if (reason != ContextAnswer::Reason::accepted)
        return {reason, std::nullopt};
    const auto syntax = plain_syntax(offered);
    if (!syntax)
        return {ContextAnswer::Reason::transfer_syntaxes_not_supported, std::nullopt};
    return {ContextAnswer::Reason::accepted, syntax};
}

} // namespace

/// Of a storage class: for what the peer moves to us or stores, or for what a C-GET sends to it
/// (PS3.4 C.5.3).
ContextAnswer DimseFace::State::storage_context(
    const PeerPermissions& may, bool moves, const dimse::ProposedContext& context
) const
{
    const auto& syntaxes = context.transfer_syntaxes;
    const bool gets = context.scp_role && retrieve && may.get;
    const bool stores = !options.store_to.empty() && may.store;
    if (moves && !gets)
        return moved_context(syntaxes);
    if (!gets && !stores)
        return {
            options.store_to.empty() ? ContextAnswer::Reason::abstract_syntax_not_supported
                                     : ContextAnswer::Reason::user_rejection,
            std::nullopt
        };
    ContextAnswer answer{ContextAnswer::Reason::accepted, syntaxes.front(), gets, stores};
    if (gets) {
        answer.transfer_syntax = plain_syntax(syntaxes).value_or(syntaxes.front());
        return answer;
    }
    const auto fits = std::ranges::find_if(syntaxes, options.taken_as_is);
    if (fits != syntaxes.end())
        answer.transfer_syntax = *fits;
    return answer;
}

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

void DimseFace::answer_find(const FindService& service)
{
    state_->find = &service;
}

void DimseFace::answer_retrieve(AnswerRetrieve answer)
{
    state_->retrieve = std::move(answer);
}

void DimseFace::receive_moves(MoveArrivals& arrivals)
{
    state_->arrivals = &arrivals;
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
    const Service service = service_of(context.abstract_syntax.str());
    switch (service) {
    case Service::verification: {
        // C-ECHO has no data set: any syntax that exists will do.
        if (!may->echo)
            return {ContextAnswer::Reason::user_rejection, std::nullopt};
        return {ContextAnswer::Reason::accepted, syntaxes.front()};
    }
    case Service::storage:
        return state_->storage_context(*may, state_->moves_to_us(peer.calling), context);
    case Service::find:
    case Service::move:
    case Service::get: return query_context(state_->may_query(peer, service), syntaxes);
    default: return {ContextAnswer::Reason::abstract_syntax_not_supported, std::nullopt};
    }
}

dimse::QueryOptions DimseFace::grant(
    const dimse::AssociationInfo& peer, const Uid& sop_class, dimse::QueryOptions wanted
) const
{
    const Service service = service_of(sop_class.str());
    const bool query = service == Service::find;
    if ((!query && service != Service::move && service != Service::get) ||
        state_->may_query(peer, service) != ContextAnswer::Reason::accepted)
        return {};
    wanted.combined_date_time = wanted.combined_date_time && query;
    wanted.fuzzy = wanted.fuzzy && query && state_->options.fuzzy;
    wanted.timezone = wanted.timezone && query && state_->options.timezone;
    return wanted; // relational retrieval and queries: always
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
    if (state_->arrivals != nullptr)
        if (auto claimed = state_->arrivals->claim(peer, request))
            return std::move(*claimed);
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

// A command may name another class than the context that it comes on: what may be asked is looked
// up once more.
asio::awaitable<DimseStatus> DimseFace::on_find(
    dimse::AssociationInfo peer,
    dimse::FindRequest request,
    dimse::MatchSink& matches // NOLINT: the association awaits us
)
{
    if (service_of(request.sop_class.str()) != Service::find ||
        state_->may_query(peer, Service::find) != ContextAnswer::Reason::accepted)
        co_return DimseStatus{status::sop_class_not_supported, {}};
    co_return co_await state_->find->find(std::move(peer), std::move(request), matches);
}

asio::awaitable<dimse::RetrieveOutcome> DimseFace::on_retrieve(
    dimse::AssociationInfo peer,
    dimse::RetrieveRequest request,
    dimse::RetrieveSession& session // NOLINT: the association awaits us
)
{
    const Service asked = request.move_destination ? Service::move : Service::get;
    if (service_of(request.sop_class.str()) != asked ||
        state_->may_query(peer, asked) != ContextAnswer::Reason::accepted) {
        dimse::RetrieveOutcome outcome;
        outcome.status.code = status::sop_class_not_supported;
        co_return outcome;
    }
    co_return co_await state_->retrieve(std::move(peer), std::move(request), session);
}

// No route gives these yet: their contexts are refused in negotiate().

asio::awaitable<dimse::NormalizedResponse>
DimseFace::on_normalized(dimse::AssociationInfo /*peer*/, dimse::NormalizedRequest /*request*/)
{
    dimse::NormalizedResponse response;
    response.status = {status::sop_class_not_supported, {}};
    co_return response;
}

} // namespace gantry::faces
