// Where the C-STOREs of a retrieve go: to a move destination, over associations that we open, or
// back on the association of a C-GET. Loop.
#pragma once

#include "dimse/store_channel.h"
#include "gateway/faces/dimse_retrieve.h"
#include "gateway/loop/asio.h"

#include <memory>
#include <vector>

namespace gantry::faces {

class StoreRoute {
public:
    StoreRoute() = default;
    StoreRoute(const StoreRoute&) = delete;
    StoreRoute& operator=(const StoreRoute&) = delete;
    /// What is open is aborted.
    virtual ~StoreRoute() = default;

    /// Once, before the rest: negotiates what `instances` need. Errors: those of
    /// Requestor::open_store() but no_context, which shows in accepted().
    virtual asio::awaitable<Result<void>> open(std::vector<InstanceKey> instances) = 0;

    /// Negotiates for an instance of a class that nobody spoke of before. Several may wait at once.
    virtual asio::awaitable<void> open_also(InstanceKey instance) = 0;

    /// In which syntaxes an instance of this class can be sent.
    virtual std::vector<Uid> accepted(const Uid& sop_class) const = 0;

    /// As StoreChannel::store(). One at a time.
    virtual asio::awaitable<Result<DimseStatus>> store(dimse::OutgoingInstance instance) = 0;

    /// Nothing more can be sent: the association is gone, and so is the one that was tried in its
    /// place.
    virtual bool lost() const = 0;

    /// A-RELEASE of what we opened.
    virtual asio::awaitable<void> close() = 0;
};

/// Opens as many associations as the contexts take (one, nearly always), at most four; each that
/// breaks is opened anew, once over the whole retrieve.
std::unique_ptr<StoreRoute> route_to(MoveDestination destination, OpenStore open_store);

/// `channel` outlives the route.
std::unique_ptr<StoreRoute> route_on(dimse::StoreChannel& channel);

} // namespace gantry::faces
