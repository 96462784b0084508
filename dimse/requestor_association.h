// One association that we open, as SCU (PS3.8 7.1, PS3.7 9.1). Runs on one worker thread and blocks
// there. Its destructor aborts what was not released.
#pragma once

#include "dimse/associate.h"
#include "dimse/connection.h"
#include "dimse/error.h"
#include "dimse/message_stream.h"
#include "dimse/options.h"
#include "dimse/requestor.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace gantry::dimse {

class RequestorAssociation {
public:
    /// Resolves, connects and negotiates; the contexts get ids in their order, 1, 3, 5, ...
    static Result<std::unique_ptr<RequestorAssociation>> open(
        const PeerAddress& peer,
        const RequestorOptions& options,
        std::vector<ProposedContext> contexts,
        const StopSignal& stop
    );

    RequestorAssociation(const RequestorAssociation&) = delete;
    RequestorAssociation& operator=(const RequestorAssociation&) = delete;
    ~RequestorAssociation();

    const AssociateAccept& accept() const noexcept { return accept_; }

    /// Of the first accepted context with this class and, unless empty, this syntax; 0: none.
    std::uint8_t context_of(const Uid& abstract_syntax, const Uid& transfer_syntax) const;

    Result<DimseStatus> echo();

    /// An error of the file that shows before anything is sent leaves the association usable; see
    /// usable().
    Result<DimseStatus> store(const InstanceToSend& instance);

    /// The same from a source; a fault of that before its first byte leaves the association usable.
    Result<DimseStatus> store(const OutgoingInstance& instance);

    /// What a query is asked with.
    struct Question {
        Command command{};
        Uid sop_class;
        std::optional<AeTitle> destination = {}; // C-MOVE
    };

    /// One response to it; the data set is parsed, and null where there is none.
    struct Answer {
        DimseStatus status;
        SubOperations counts;
        std::unique_ptr<DcmDataset> data_set;
    };

    /// Sends a C-FIND-RQ or C-MOVE-RQ; answers come by next_answer() until one is not Pending.
    Result<void> ask(const Question& question, DcmDataset& identifier);
    Result<Answer> next_answer();

    /// C-CANCEL-RQ for what was asked last; answers still come.
    Result<void> cancel();

    /// What can be used, by class and syntax.
    std::vector<Negotiation::Context> accepted() const;

    /// Between two requests: waits for the peer, for the descriptor `event`, for a stop.
    Readiness wait_any(int event, std::chrono::milliseconds time)
    {
        return connection_.wait_any(event, time);
    }

    /// Between two requests the peer has nothing to say but the end: reads it, and tells why.
    Error hear_idle();

    bool usable() const noexcept { return usable_; }

    /// A-RELEASE; after it the association is not usable. A peer that does not confirm changes
    /// nothing.
    void release();

private:
    RequestorAssociation(
        FileDescriptor socket, const RequestorOptions& options, const StopSignal& stop
    );
    Result<void> negotiate(const AssociateRequest& request);
    Result<void> read_answer();
    Result<DimseStatus> read_response(Command expected);
    Result<void> read_data_set(wire::Buffer& bytes);
    Result<DimseStatus> lost(Interruption interruption);

    RequestorOptions options_;
    Connection connection_;
    MessageReader reader_;
    MessageWriter writer_;
    std::vector<ProposedContext> proposed_;
    AssociateAccept accept_;
    wire::Buffer command_;
    std::uint16_t message_id_ = 0;
    NegotiatedContext asked_on_; // of the question under way
    Command asked_{};
    bool usable_ = false;
};

} // namespace gantry::dimse
