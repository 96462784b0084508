// A request that is answered more than once (C-FIND, C-MOVE, C-GET), while it is under way: the
// association's thread waits for the peer, for the loop and for our stop at once. Runs on that
// thread and blocks there.
#pragma once

#include "dimse/connection.h"
#include "dimse/message_stream.h"
#include "dimse/options.h"
#include "dimse/response.h"
#include "dimse/service_provider.h"

#include <chrono>
#include <memory>

namespace gantry::dimse {

/// What an operation needs of its association, and does not outlive.
struct AssociationSide {
    asio::any_io_executor loop;
    ServiceProvider& provider;
    const AssociationInfo& info;
    Connection& connection;
    MessageReader& reader;
    MessageWriter& writer;
    std::chrono::milliseconds pending_interval;
};

class Operation : public InputWatch {
public:
    Operation(AssociationSide& side, RequestHead request);
    ~Operation() override;

    /// Input during a write.
    bool input() final;

protected:
    /// Waits for something to happen, `time` at the most, and reads what the peer has to say.
    Interruption await(std::chrono::milliseconds time);

    /// Reads one message of the peer. C-CANCEL-RQ of this request sets cancelled().
    Interruption hear();

    /// What a failed write means: also what the peer said meanwhile.
    Interruption outcome_of(Transfer transfer) const noexcept;

    Interruption send_final(const QueryResponse& response, ConstBytes data_set = {});

    AssociationSide& side() const noexcept { return *side_; }

    const RequestHead& request() const noexcept { return request_; }

    const std::shared_ptr<WakeSignal>& wake() const noexcept { return wake_; }

    /// The peer has sent C-CANCEL-RQ.
    bool cancelled() const noexcept { return cancelled_; }

    /// The loop is told at once, even in the middle of a write.
    virtual void on_cancel() = 0;

    /// A message that is no C-CANCEL-RQ. With one request at a time there is none (PS3.7 D.3.3.3),
    /// but for the responses to our own.
    virtual Interruption other(const CommandMessage& message);

private:
    AssociationSide* side_;
    RequestHead request_;
    std::shared_ptr<WakeSignal> wake_;
    bool cancelled_ = false;
    Interruption met_ = Interruption::none; // while writing
};

} // namespace gantry::dimse
