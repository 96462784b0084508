// One association that we open, as SCU (PS3.8 7.1, PS3.7 9.1). Runs on one worker thread at a time
// and blocks there. Its destructor aborts what was not released.
#pragma once

#include "dimse/associate.h"
#include "dimse/connection.h"
#include "dimse/error.h"
#include "dimse/message_stream.h"
#include "dimse/options.h"
#include "dimse/requestor.h"
#include "dimse/store_intake.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace gantry::dimse {

class RequestorAssociation {
public:
    /// Resolves, connects and negotiates.
    static Result<std::unique_ptr<RequestorAssociation>> open(
        const PeerAddress& peer,
        const RequestorOptions& options,
        AssociateRequest request,
        const StopSignal& stop
    );

    RequestorAssociation(const RequestorAssociation&) = delete;
    RequestorAssociation& operator=(const RequestorAssociation&) = delete;
    ~RequestorAssociation();

    /// Between two conversations; `never` outlives it.
    void park(const StopSignal& never);

    /// Another conversation begins: from now on `stop` ends it. False where the peer has ended the
    /// association meanwhile.
    bool resume(const StopSignal& stop);

    /// The peer ended the association before it answered anything in this conversation.
    bool vanished() const noexcept { return vanished_ && !heard_; }

    /// It answered something in this conversation.
    bool answered() const noexcept { return heard_; }

    const AssociateAccept& accept() const noexcept { return accept_; }

    /// Of the first accepted context with this class and, unless empty, this syntax; 0: none.
    std::uint8_t context_of(const Uid& abstract_syntax, const Uid& transfer_syntax) const;

    /// What SOP Class Extended Negotiation granted of what was wanted.
    QueryOptions granted(const Uid& sop_class) const;

    /// The peer may store to us: a context of another class than `query_class` was accepted with
    /// us as its SCP (PS3.7 D.3.3.4).
    bool takes_stores(const Uid& query_class) const;

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
        std::uint16_t message_id = 0;            // 0: the next
    };

    /// One response to it; the data set is parsed, and null where there is none.
    struct Answer {
        DimseStatus status;
        std::optional<SubOperations> counts; // where it has any
        std::unique_ptr<DcmDataset> data_set;
    };

    /// Sends a C-FIND-RQ, C-MOVE-RQ or C-GET-RQ; answers come by next_answer(), or hear(), until
    /// one is not Pending.
    Result<void> ask(const Question& question, DcmDataset& identifier);
    Result<Answer> next_answer();

    /// The same with C-STORE-RQs in between, which go to `take` and are answered. Nothing: it was
    /// one.
    Result<std::optional<Answer>> hear(const BeginStore& take);

    /// Waits for the next message. False: we are asked to stop, and nothing has come.
    Result<bool> await_message();

    /// C-CANCEL-RQ for what was asked last; answers still come, for Timeouts::cancel.
    Result<void> cancel();

    /// From a stop request on, there is time for a C-CANCEL and its answer.
    void stop_gently() { connection_.set_grace(options_.timeouts.cancel); }

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

    /// Its two halves: several can be released in the time of one.
    void ask_release();
    void await_release();

private:
    RequestorAssociation(
        FileDescriptor socket, const RequestorOptions& options, const StopSignal& stop
    );
    Result<void> negotiate(AssociateRequest request);
    Result<void> read_answer();
    void distrust();
    const NegotiatedContext* accepted_context(std::uint8_t id) const;
    const Uid& class_of(std::uint8_t context) const;
    bool may_store(const Uid& sop_class) const;
    Result<DimseStatus> read_response(Command expected);
    Result<Answer> answer_of(const CommandMessage& message);
    Result<void> take_instance(const CommandMessage& message, const BeginStore& take);
    Result<void> read_data_set(wire::Buffer& bytes);
    Interruption read_command(CommandMessage& message);
    Result<DimseStatus> lost(Interruption interruption);

    RequestorOptions options_;
    const StopSignal* stop_;
    Connection connection_;
    MessageReader reader_;
    MessageWriter writer_;
    AssociateRequest request_;
    AssociateAccept accept_;
    wire::Buffer command_;
    std::uint16_t message_id_ = 0;
    NegotiatedContext asked_on_; // of the question under way
    Command asked_{};
    std::uint16_t asked_id_ = 0;
    bool usable_ = false;
    bool releasing_ = false;
    bool parked_ = false;
    bool heard_ = false;    // an answer, in this conversation
    bool vanished_ = false; // by the peer
};

} // namespace gantry::dimse
