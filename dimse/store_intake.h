// The receiving side of C-STORE (PS3.7 9.1.1, 9.3.1), on whichever association: one that a peer
// opened, or one of ours on which a C-GET is under way. Runs on its thread.
#pragma once

#include "dimse/message_stream.h"
#include "dimse/service_provider.h"

#include <functional>
#include <memory>
#include <variant>

namespace gantry::dimse {

/// Takes what a C-STORE-RQ announces, or refuses it.
using BeginStore = std::function<
    std::variant<std::unique_ptr<IncomingInstance>, DimseStatus>(const StoreRequest&)>;

/// The presentation context that a C-STORE-RQ came on.
struct StoreContext {
    Uid abstract_syntax;
    Uid transfer_syntax;
};

struct StoreIntake {
    Interruption met = Interruption::none; // other: nothing can be answered
    DimseStatus status;                    // what to answer
    bool taken = false;                    // to its end, whatever the status
};

/// Checks the request, offers it to `begin`, reads the data set into what that gives; where it is
/// refused, the data set is read and forgotten. The instance is gone on return.
StoreIntake take_store(
    MessageReader& reader,
    const CommandMessage& message,
    const StoreContext& context,
    const BeginStore& begin
);

/// Refuses without asking anybody.
StoreIntake refuse_store(MessageReader& reader, const CommandMessage& message, DimseStatus refusal);

} // namespace gantry::dimse
