// Where C-STORE sub-operations of a retrieve go (PS3.4 C.4.2.2, C.4.3.2): an association that we
// opened to the move destination, or the very association that a C-GET came on.
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/byte_source.h"
#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/sop_reference.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace gantry::dimse {

/// Whose C-MOVE a C-STORE belongs to (PS3.7 9.1.1.1.8).
struct MoveOriginator {
    AeTitle ae_title;
    std::uint16_t message_id = 0;
};

/// One instance to send.
struct OutgoingInstance {
    InstanceKey key; // sent on a context of its class and transfer syntax
    /// The data set in that syntax. Read on the association's thread. Where it fails half way the
    /// association is aborted: there is no other way to take back what was sent. While it waits for
    /// bytes, neither the peer nor our stop is heard: it ends in time by itself.
    std::unique_ptr<ByteSource> data_set;
    std::uint16_t priority = 0;
    std::optional<MoveOriginator> originator;
};

/// One C-STORE after the other: a second one waits for the first. Loop.
class StoreChannel {
public:
    StoreChannel() = default;
    StoreChannel(const StoreChannel&) = delete;
    StoreChannel& operator=(const StoreChannel&) = delete;
    virtual ~StoreChannel() = default;
    /// The syntaxes in which an instance of this class can be sent; none: not at all.
    virtual std::vector<Uid> accepted(const Uid& sop_class) const = 0;
    /// Completes with the status of the C-STORE-RSP. Errors: no_context, and what the source says
    /// before its first byte, leave the channel usable; others do not. Cancelled, it aborts an
    /// association of our own; on that of a C-GET the exchange is finished, for nobody.
    virtual asio::awaitable<Result<DimseStatus>> store(OutgoingInstance instance) = 0;
    virtual bool usable() const = 0;
};

} // namespace gantry::dimse
