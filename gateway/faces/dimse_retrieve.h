// C-MOVE and C-GET as the DIMSE face offers them (PS3.4 C.4.2, C.4.3), on any origin: what to
// fetch, in which syntaxes to send it, what became of it. Runs on the loop; transcoding on the pool
// given. Knows neither how the origin is reached nor how an association works.
#pragma once

#include "dimse/options.h"
#include "dimse/requestor.h"
#include "dimse/service_provider.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace gantry::faces {

/// A node that may be named as Move Destination.
struct MoveDestination {
    dimse::PeerAddress address;
    std::vector<Uid> transfer_syntaxes; // what it takes, nothing else is proposed; empty: unknown
    std::uint16_t max_associations = 4; // that we hold to it at once, over all retrieves
};

struct RetrievalOptions {
    std::unordered_map<AeTitle, MoveDestination> destinations;
    std::filesystem::path scratch; // a folder, for what is too large for memory on its way
    std::size_t from_origin = 16;  // retrieves at once; those of one peer wait for the others'
    bool lenient = false; // keys that do not belong into an Identifier are ignored, not refused
    std::size_t window_instances = 8; // fetched and not yet sent, in one retrieve
    Bytes window_bytes{24ULL << 20U};
    std::chrono::milliseconds longest_wait = std::chrono::minutes{30}; // for a turn; then A702
    std::chrono::milliseconds cancel_grace = std::chrono::seconds{2};  // a C-STORE under way may
                                                                       // end, after a C-CANCEL
};

/// Opens an association for C-STOREs: Requestor::open_store(), or a test's.
using OpenStore = std::function<asio::awaitable<Result<std::unique_ptr<
    dimse::StoreAssociation>>>(dimse::PeerAddress, std::vector<dimse::ProposedContext>)>;

/// `pool` is the outbound one and outlives what it returns.
OpenStore store_opener(dimse::RequestorOptions options, WorkerPool& pool);

class Retrieval {
public:
    struct Means {
        asio::any_io_executor loop;
        Origin& origin;
        OpenStore open_store;
        WorkerPool& disk;
        WorkerPool& transcoders; // one thread for each core
    };

    /// What `means` refers to outlives the retrieval.
    Retrieval(RetrievalOptions options, Means means);
    ~Retrieval();
    Retrieval(const Retrieval&) = delete;
    Retrieval& operator=(const Retrieval&) = delete;

    /// ServiceProvider::on_retrieve(): checks the Identifier, finds the destination (A801 before
    /// anything is asked), retrieves and sends. Statuses by PS3.4 C.4.2.1.5 and C.4.3.1.4. Several
    /// at once.
    asio::awaitable<dimse::RetrieveOutcome>
    run(dimse::AssociationInfo peer, dimse::RetrieveRequest request, dimse::RetrieveSession& session
    );

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::faces
