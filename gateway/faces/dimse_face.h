// The DIMSE face: decides who may associate for what, takes instances into custody, and hands
// queries and retrievals to those that answer them. Answers what the routes give; on the
// association's thread for C-STORE, on the loop for the rest. Knows no protocol of the other side.
#pragma once

#include "dimse/service_provider.h"
#include "gateway/custody/queue.h"
#include "gateway/custody/spool.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace gantry {
class MoveArrivals;
}

namespace gantry::faces {

/// What one calling AE may do here. Services that no route gives are refused to everybody.
struct PeerPermissions {
    bool echo = true;
    bool store = true;
    bool find = true;
    bool move = true;
    bool get = true;
    std::uint16_t max_associations = 16; // at once
};

struct DimseFaceOptions {
    AeTitle ae_title; // what peers must call us
    std::unordered_map<AeTitle, PeerPermissions> peers;
    std::optional<PeerPermissions>
        unknown_peers;                 // empty: refused (calling AE title not recognised)
    std::vector<std::string> store_to; // destinations of C-STORE; empty: storage is not offered
    /// Can every store_to origin take this syntax as it is? Of several in one context the peer's
    /// first such one is taken.
    std::function<bool(const Uid&)> taken_as_is;
    bool fuzzy = false;    // what answers queries may match names fuzzily (PS3.4 C.5.1.1.3)
    bool timezone = false; // and in the asker's timezone (PS3.4 C.5.1.1.4)
};

class FindService;

/// ServiceProvider::on_retrieve() of a peer that may: what answers C-MOVE and C-GET.
using AnswerRetrieve = std::function<asio::awaitable<
    dimse::
        RetrieveOutcome>(dimse::AssociationInfo, dimse::RetrieveRequest, dimse::RetrieveSession&)>;

/// One C-STORE that was answered, for metrics. Any thread.
struct StoreObservation {
    AeTitle calling;
    std::uint16_t status = 0;
    Bytes bytes;
};

/// An association that was accepted (no refusal) or refused, for metrics. Any thread.
struct AssociationObservation {
    AeTitle calling;
    std::optional<dimse::Refusal> refusal;
};

class DimseFace final : public dimse::ServiceProvider {
public:
    /// Both outlive the face.
    DimseFace(DimseFaceOptions options, custody::Spool& spool, custody::DeliveryQueue& queue);
    ~DimseFace() override;

    /// Before the first association.
    void on_stored(std::function<void(const StoreObservation&)> observer);
    void on_association(std::function<void(const AssociationObservation&)> observer);
    /// What is never set is not offered. `service` outlives the face.
    void answer_find(const FindService& service);
    void answer_retrieve(AnswerRetrieve answer);
    /// What origins move to us goes to them, from whoever is behind one, whatever else that peer
    /// may do. `arrivals` outlives the face.
    void receive_moves(MoveArrivals& arrivals);

    std::optional<dimse::Refusal> admit(const dimse::AssociationRequest& request) override;
    void
    association_refused(const dimse::AssociationRequest& request, dimse::Refusal refusal) override;
    std::uint16_t max_associations_of(const AeTitle& calling) const override;
    dimse::ContextAnswer negotiate(
        const dimse::AssociationInfo& peer, const dimse::ProposedContext& context
    ) const override;
    dimse::QueryOptions grant(
        const dimse::AssociationInfo& peer, const Uid& sop_class, dimse::QueryOptions wanted
    ) const override;
    void association_opened(const dimse::AssociationInfo& peer) override;
    void association_closed(const dimse::AssociationInfo& peer) override;
    std::variant<std::unique_ptr<dimse::IncomingInstance>, DimseStatus>
    begin_store(const dimse::AssociationInfo& peer, const dimse::StoreRequest& request) override;
    asio::awaitable<DimseStatus> on_echo(dimse::AssociationInfo peer) override;
    asio::awaitable<DimseStatus> on_find(
        dimse::AssociationInfo peer, dimse::FindRequest request, dimse::MatchSink& matches
    ) override;
    asio::awaitable<dimse::RetrieveOutcome> on_retrieve(
        dimse::AssociationInfo peer, dimse::RetrieveRequest request, dimse::RetrieveSession& session
    ) override;
    asio::awaitable<dimse::NormalizedResponse>
    on_normalized(dimse::AssociationInfo peer, dimse::NormalizedRequest request) override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::faces
