// One association that a peer opened, from its complete A-ASSOCIATE-RQ to its end (PS3.8 7, PS3.7
// 9). Runs on one worker thread and blocks there.
#pragma once

#include "dimse/associate.h"
#include "dimse/connection.h"
#include "dimse/message_stream.h"
#include "dimse/negotiation.h"
#include "dimse/operation.h"
#include "dimse/options.h"
#include "dimse/service_provider.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>

namespace gantry::dimse {

/// What the loop hands over.
struct AcceptedConnection {
    FileDescriptor socket;
    wire::Buffer request; // the A-ASSOCIATE-RQ without its PDU head
    AssociationInfo info;
};

class AcceptorAssociation {
public:
    /// The references outlive the association.
    AcceptorAssociation(
        asio::any_io_executor loop,
        const AcceptorOptions& options,
        ServiceProvider& provider,
        AcceptedConnection accepted,
        std::stop_token stop
    );

    /// Returns when the association is over and the peer has been told.
    void run() noexcept;

private:
    bool open();
    void refuse(Refusal refusal);
    Interruption serve();
    Interruption serve_message(const CommandMessage& message);
    Interruption query(const CommandMessage& message, const AcceptedContext& context);
    Interruption read_identifier(std::uint8_t context, wire::Buffer& identifier);
    AssociationSide side();
    Interruption echo(const CommandMessage& message, const AcceptedContext& context);
    Interruption store(const CommandMessage& message, const AcceptedContext& context);
    Interruption refuse(const CommandMessage& message, const DimseStatus& status);
    Interruption respond(const CommandMessage& message, const DimseStatus& status);
    void close(Interruption end);

    asio::any_io_executor loop_;
    ServiceProvider& provider_;
    AssociationInfo info_;
    wire::Buffer request_;
    std::uint32_t pdu_size_;
    std::chrono::milliseconds pending_interval_;
    std::stop_token stop_token_;
    StopSignal stop_;
    Connection connection_;
    MessageReader reader_;
    MessageWriter writer_;
    AcceptedContexts contexts_;
    wire::Buffer response_;
    std::uint64_t stored_ = 0;
};

} // namespace gantry::dimse
