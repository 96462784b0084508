// What the outside may ask of us over DIMSE. gateway/ implements it. Each call says which thread it
// arrives on.
#pragma once

#include "dimse/association.h"
#include "dimse/store_channel.h"
#include "gateway/loop/asio.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/query_level.h"
#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/sop_reference.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <variant>
#include <vector>

namespace gantry::dimse {

/// C-STORE-RQ (PS3.7 9.3.1.1) and the context it came on.
struct StoreRequest {
    SopReference sop;
    Uid transfer_syntax;
    std::uint16_t message_id = 0;
    std::optional<AeTitle> move_originator;
    std::uint16_t move_originator_message_id = 0;
};

/// Takes the data set of one C-STORE, byte for byte as received. All calls on the association's own
/// thread; may block on disk. Destroyed without finish() where the transfer broke off: what was
/// taken is dropped.
class IncomingInstance {
public:
    virtual ~IncomingInstance() = default;
    /// A failure is remembered; the rest is still received (and not offered here), then finish()
    /// says the status.
    virtual Result<void> write(ConstBytes fragment) = 0;
    /// After the last byte. Returns only when the instance is durable, or says why it is refused.
    virtual DimseStatus finish() = 0;
};

/// What SOP Class Extended Negotiation granted a query/retrieve class (PS3.4 C.5.1, C.5.2, C.5.3).
struct QueryOptions {
    bool relational = false;
    bool combined_date_time = false;
    bool fuzzy = false;
    bool timezone = false;
};

/// C-FIND-RQ (PS3.7 9.3.2.1).
struct FindRequest {
    Uid sop_class;
    std::uint16_t message_id = 0;
    std::shared_ptr<const DcmDataset> identifier; // as it came: text in its own character set
    QueryOptions granted;
};

/// Takes matches of a C-FIND. Loop.
class MatchSink {
public:
    virtual ~MatchSink() = default;
    /// One Pending response: FF00, or FF01 where an optional key was not supported for this match
    /// (PS3.4 C.4.1.1.4). Completes when there is room for the next, so that a slow peer slows the
    /// asker. An error: cancelled, or the association is gone.
    virtual asio::awaitable<Result<void>>
    push(std::unique_ptr<DcmDataset> match, bool all_keys_supported) = 0;
};

/// C-MOVE-RQ or C-GET-RQ (PS3.7 9.3.3.1, 9.3.4.1).
struct RetrieveRequest {
    Uid sop_class;
    std::uint16_t message_id = 0;
    std::uint16_t priority = 0; // of the request, for the sub-operations (PS3.7 E.1)
    std::shared_ptr<const DcmDataset> identifier;
    std::optional<AeTitle> move_destination; // empty: C-GET
    QueryOptions granted;                    // relational only
};

/// The sub-operations of a retrieve (PS3.4 C.4.2.1.6). Written as 65,535 where there are more.
struct SubOperations {
    std::uint32_t remaining = 0;
    std::uint32_t completed = 0;
    std::uint32_t failed = 0;
    std::uint32_t warning = 0;
};

/// The final response of a retrieve. `remaining` is written for a cancelled one only.
struct RetrieveOutcome {
    DimseStatus status;
    SubOperations counts;
    std::vector<Uid> failed; // Failed SOP Instance UID List (0008,0058); none: no Identifier
};

/// The peer's side of a C-MOVE or C-GET under way. Loop.
class RetrieveSession {
public:
    virtual ~RetrieveSession() = default;
    /// A Pending response. Never waits: of several that the peer is too slow for, the last goes
    /// out. It is repeated every AcceptorOptions::pending_interval, so that the peer does not give
    /// up; before the first nothing is said.
    virtual void pending(SubOperations counts) = 0;
    /// Called once, when the peer sends C-CANCEL: on_retrieve() then ends what it does and returns
    /// FE00 with its counts, at once.
    virtual void on_cancel(std::function<void()> call) = 0;
    /// C-GET: the association itself, as we are the storage SCU on it. Null: C-MOVE.
    virtual StoreChannel* channel() = 0;
};

/// N-CREATE, N-SET, N-GET, N-ACTION, N-DELETE, N-EVENT-REPORT (PS3.7 10.1).
struct NormalizedRequest {
    enum class Operation : std::uint8_t { create, set, get, action, remove, event_report };

    Operation operation = Operation::get;
    SopReference sop;
    std::uint16_t message_id = 0;
    std::uint16_t type_id = 0; // action or event type
    std::shared_ptr<const DcmDataset> data_set;
};

struct NormalizedResponse {
    DimseStatus status;
    std::optional<SopReference> sop; // N-CREATE: what was created
    std::unique_ptr<DcmDataset> data_set;
};

class ServiceProvider {
public:
    virtual ~ServiceProvider() = default;

    /// For each A-ASSOCIATE-RQ whose head has been read, before a thread is spent on it. Loop.
    /// Empty: go on.
    virtual std::optional<Refusal> admit(const AssociationRequest& request) = 0;

    /// For each A-ASSOCIATE-RJ that goes out, whoever decided it. Loop.
    virtual void association_refused(const AssociationRequest& request, Refusal refusal)
    {
        (void)request;
        (void)refusal;
    }

    /// How many associations this calling AE may hold at once. Loop.
    virtual std::uint16_t max_associations_of(const AeTitle& calling) const = 0;
    /// Answers one presentation context. Any worker thread, several at once.
    virtual ContextAnswer
    negotiate(const AssociationInfo& peer, const ProposedContext& context) const = 0;

    /// Answers a SOP Class Extended Negotiation item (PS3.7 D.3.3.5) of an accepted query/retrieve
    /// class: what of `wanted` is granted. Any worker thread, several at once.
    virtual QueryOptions
    grant(const AssociationInfo& peer, const Uid& sop_class, QueryOptions wanted) const
    {
        (void)peer;
        (void)sop_class;
        (void)wanted;
        return {};
    }

    /// Every association, once negotiated, and its end. Any worker thread.
    virtual void association_opened(const AssociationInfo& peer) = 0;
    virtual void association_closed(const AssociationInfo& peer) = 0;

    /// C-STORE (PS3.4 B.2): called before the first byte of the data set is read; a status refuses
    /// it (A700 where the spool is full), and the data set is drained. The association's thread, so
    /// that bytes go to disk without a detour.
    virtual std::variant<std::unique_ptr<IncomingInstance>, DimseStatus>
    begin_store(const AssociationInfo& peer, const StoreRequest& request) = 0;

    /// C-ECHO (PS3.4 A.4). Loop, as all below. Cancelled by C-CANCEL, the peer's abort, or our
    /// stop.
    virtual asio::awaitable<DimseStatus> on_echo(AssociationInfo peer) = 0;
    /// C-FIND (PS3.4 C.4.1, K.4.1 for the worklist). Returns the status of the final response.
    /// Cancelled where the peer sends C-CANCEL: FE00 is then answered without it.
    virtual asio::awaitable<DimseStatus>
    on_find(AssociationInfo peer, FindRequest request, MatchSink& matches) = 0;
    /// C-MOVE and C-GET (PS3.4 C.4.2, C.4.3). Returns the final response. Where the peer is gone
    /// it is cancelled; for C-CANCEL see RetrieveSession::on_cancel().
    virtual asio::awaitable<RetrieveOutcome>
    on_retrieve(AssociationInfo peer, RetrieveRequest request, RetrieveSession& session) = 0;
    /// N-services: MPPS, storage commitment, UPS.
    virtual asio::awaitable<NormalizedResponse>
    on_normalized(AssociationInfo peer, NormalizedRequest request) = 0;
};

} // namespace gantry::dimse
