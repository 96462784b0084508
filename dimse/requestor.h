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

/// What a peer answered to C-MOVE in the end.
struct MoveEnd {
    DimseStatus status;
    SubOperations counts;    // as far as the peer told them
    std::vector<Uid> failed; // Failed SOP Instance UID List
};

class Requestor {
public:
    /// `pool` is the outbound one; it outlives the requestor.
    Requestor(PeerAddress peer, RequestorOptions options, WorkerPool& pool);

    /// C-ECHO (PS3.7 9.1.5). Errors: resolve, connect, rejected (with source and reason in the
    /// text), aborted, timeout.
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
    /// an error from it sends C-CANCEL. Gives the status of the final response: FE00 where the
    /// peer heeded that. Errors: as echo(); malformed where an answer cannot be read.
    asio::awaitable<Result<DimseStatus>>
    find(Uid sop_class, std::shared_ptr<const DcmDataset> identifier, MatchSink& matches);

    /// C-MOVE (PS3.4 C.4.2) to `destination`, a title that the peer knows. `progress` hears of each
    /// Pending response, on the worker thread; false from it sends C-CANCEL. timeouts.dimse bounds
    /// the silence between two responses. Errors: as find().
    asio::awaitable<Result<MoveEnd>> move(
        Uid sop_class,
        std::shared_ptr<const DcmDataset> identifier,
        AeTitle destination,
        std::function<bool(const SubOperations&)> progress
    );

private:
    PeerAddress peer_;
    RequestorOptions options_;
    WorkerPool* pool_;
};

} // namespace gantry::dimse
