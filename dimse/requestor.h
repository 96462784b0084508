// Opens associations to one configured peer and speaks as SCU (PS3.7 7.1.2). Awaitable outside; a
// worker thread inside.
#pragma once

#include "dimse/association.h"
#include "dimse/options.h"
#include "dimse/service_provider.h"
#include "dimse/store_channel.h"
#include "gateway/loop/asio.h"
#include "gateway/loop/worker_pool.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/sop_reference.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gantry::dimse {

/// One instance to send: its data set as bytes in a file, sent as they are (the context is
/// negotiated in that syntax).
struct InstanceToSend {
    InstanceKey key;
    std::filesystem::path file;
    Bytes offset; // of the data set
    Bytes length;
};

struct SendOutcome {
    Result<DimseStatus> status; // error: no context accepted, association lost, ...
};

/// What a peer answered to a proposal, for `gantry doctor`.
struct Negotiation {
    struct Context {
        Uid abstract_syntax;
        Uid transfer_syntax; // accepted one, empty where refused
        ContextAnswer::Reason reason = ContextAnswer::Reason::no_reason;
    };

    std::vector<Context> contexts;
    std::uint32_t peer_pdu_size = 0;
    std::string implementation_version;
    std::chrono::microseconds round_trip{}; // of the A-ASSOCIATE exchange
};

/// A StoreChannel of our own making.
class StoreAssociation : public StoreChannel {
public:
    /// A-RELEASE; afterwards it is not usable.
    virtual asio::awaitable<void> release() = 0;
};

/// What a C-FIND asks, and what it needs of the association.
struct FindInquiry {
    Uid sop_class;
    std::shared_ptr<const DcmDataset> identifier;
    QueryOptions wanted = {};   // offered (SOP Class Extended Negotiation, PS3.4 C.5.1.1)
    QueryOptions required = {}; // of that: where it is not granted, nothing is asked (not_granted)
};

struct FindAnswer {
    DimseStatus status;   // of the final response
    QueryOptions granted; // what the peer granted of what was wanted
};

/// What a C-MOVE or C-GET asks.
struct RetrieveInquiry {
    Uid sop_class;
    std::shared_ptr<const DcmDataset> identifier;
    /// Of the request; 0: the next of its association. A C-STORE that a C-MOVE brings names it
    /// (PS3.7 9.1.1.1.8), so that no two that run at once may have the same.
    std::uint16_t message_id = 0;
};

/// What a peer answered to C-MOVE or C-GET in the end.
struct RetrieveAnswer {
    DimseStatus status;
    SubOperations counts;    // as far as the peer told them, in this or the last Pending response
    std::vector<Uid> failed; // Failed SOP Instance UID List
};

/// Hears of each Pending response, on the worker thread; false sends C-CANCEL.
using OnPending = std::function<bool(const SubOperations&)>;

/// Takes what a retrieve of ours brings: ServiceProvider::begin_store() without the peer. The
/// association's thread; may block. IncomingInstance::finish() is what the C-STORE is answered
/// with.
using TakeInstance = std::function<
    std::variant<std::unique_ptr<IncomingInstance>, DimseStatus>(const StoreRequest&)>;

struct RequestorState;

/// Copies speak to the same peer and share its associations. Each conversation waits for its turn
/// (RequestorOptions::max_associations). C-FIND, C-MOVE, C-GET and the C-STOREs of store() use an
/// association that is kept (keep_idle); where the peer has ended that one meanwhile, they ask once
/// more on a new one, unless an answer had come. echo(), negotiate() and open_store() open one.
class Requestor {
public:
    /// `pool` is the outbound one; it outlives the requestor.
    Requestor(PeerAddress peer, RequestorOptions options, WorkerPool& pool);

    /// C-ECHO (PS3.7 9.1.5). Errors: resolve, connect, rejected (with source and reason in the
    /// text), aborted, timeout, busy.
    asio::awaitable<Result<DimseStatus>> echo();

    /// Negotiates `proposals` and releases.
    asio::awaitable<Result<Negotiation>> negotiate(std::vector<ProposedContext> proposals);

    /// C-STORE of all on one association (PS3.7 9.1.1), `progress` after each (on the worker
    /// thread). One outcome for each instance, in their order; an error of the association stands
    /// in each that was not answered.
    asio::awaitable<std::vector<SendOutcome>>
    store(std::vector<InstanceToSend> batch, std::function<void(std::size_t done)> progress);

    /// One association for many C-STOREs, as a move needs it (PS3.4 C.4.2.2.2): stays open until it
    /// is released or destroyed (A-ABORT). `proposals`: at most 128. Errors: as echo(); no_context
    /// where the peer takes none of them.
    asio::awaitable<Result<std::unique_ptr<StoreAssociation>>>
    open_store(std::vector<ProposedContext> proposals);

    /// C-FIND (PS3.4 C.4.1). `matches` takes each Pending response on the loop and sets the pace;
    /// an error from it sends C-CANCEL, and A-ABORT where that is not heeded within
    /// Timeouts::cancel (timeout). The answer's status is FE00 where the peer heeded it. Errors: as
    /// echo(); malformed where an answer cannot be read; no_context; not_granted.
    asio::awaitable<Result<FindAnswer>> find(FindInquiry inquiry, MatchSink& matches);

    /// C-MOVE (PS3.4 C.4.2) to `destination`, a title that the peer knows. timeouts.dimse bounds
    /// the silence between two responses. Relational retrieval is offered where the identifier
    /// needs it. Cancelled, or told so by `progress`, it sends C-CANCEL, and A-ABORT where that is
    /// not heeded within Timeouts::cancel. Errors: as find().
    asio::awaitable<Result<RetrieveAnswer>>
    move(RetrieveInquiry inquiry, AeTitle destination, OnPending progress);

    /// C-GET (PS3.4 C.4.3): proposes `storage` (at most 127 contexts) in the role of an SCP (PS3.7
    /// D.3.3.4) and takes what comes on the same association. Cancelled, it sends C-CANCEL, and
    /// A-ABORT where that is not heeded within Timeouts::cancel; what still comes then is refused.
    /// Errors: as find(); no_context where the peer does not take the query/retrieve class, or no
    /// storage context in that role.
    asio::awaitable<Result<RetrieveAnswer>>
    get(RetrieveInquiry inquiry,
        std::vector<ProposedContext> storage,
        TakeInstance take,
        OnPending progress);

    /// Releases what has been unused for RequestorOptions::keep_idle, until it is cancelled; then
    /// all that is kept. Spawn it in a TaskGroup where associations are kept.
    asio::awaitable<void> tend();

private:
    std::shared_ptr<RequestorState> state_;
};

} // namespace gantry::dimse
