// The sending side of C-STORE (PS3.7 9.1.1, 9.3.1), on whichever association. Runs on its thread.
#pragma once

#include "dimse/message_stream.h"
#include "dimse/store_channel.h"

#include <cstdint>
#include <optional>

namespace gantry::dimse {

struct StoreCommand {
    SopReference sop;
    std::uint16_t message_id = 0;
    std::uint16_t priority = 0; // PS3.7 E.1: 0 is medium
    std::optional<MoveOriginator> originator = {};
};

/// Appends a C-STORE-RQ that a data set follows.
void write_store_command(wire::Buffer& out, const StoreCommand& command);

/// Sends `instance` on `context`: the command and all that its source gives. A fault of a source
/// that gives nothing at all is one of these, too; `begun` is false then.
MessageWriter::SourcedEnd send_instance(
    MessageWriter& writer,
    std::uint8_t context,
    const OutgoingInstance& instance,
    std::uint16_t message_id
);

/// The status of a C-STORE-RSP to `message_id`; empty: it is none.
std::optional<DimseStatus> store_answer(const CommandSet& response, std::uint16_t message_id);

} // namespace gantry::dimse
