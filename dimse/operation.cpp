#include "dimse/operation.h"

#include <utility>

namespace gantry::dimse {

Operation::Operation(AssociationSide& side, RequestHead request)
    : side_(&side), request_(std::move(request)), wake_(std::make_shared<WakeSignal>())
{
    side_->connection.set_watch(this);
}

Operation::~Operation()
{
    side_->connection.set_watch(nullptr);
}

bool Operation::input()
{
    while (met_ == Interruption::none && side_->reader.whole_pdu_buffered())
        met_ = hear();
    return met_ == Interruption::none;
}

Interruption Operation::await(std::chrono::milliseconds time)
{
    const Readiness ready = side_->connection.wait_any(wake_->fd(), time);
    if (ready.stopped)
        return Interruption::stopped;
    if (ready.event)
        wake_->clear();
    return ready.input ? hear() : Interruption::none;
}

Interruption Operation::hear()
{
    CommandMessage message;
    if (const Interruption met = side_->reader.read_command(message); met != Interruption::none)
        return met;
    if (message.set.command() != Command::c_cancel_rq || message.set.has_data_set())
        return other(message);
    if (message.set.us(element::message_id_responded_to) != request_.message_id || cancelled_)
        return Interruption::none; // of something that has already ended (PS3.7 9.3.2.3)
    cancelled_ = true;
    on_cancel();
    return Interruption::none;
}

Interruption Operation::other(const CommandMessage& /*message*/)
{
    return side_->reader.broken(pdu::AbortReason::unexpected_parameter);
}

Interruption Operation::outcome_of(Transfer transfer) const noexcept
{
    return met_ != Interruption::none ? met_ : interruption_of(transfer);
}

Interruption Operation::send_final(const QueryResponse& response, ConstBytes data_set)
{
    wire::Buffer command;
    write_response(command, request_, response);
    Transfer sent = side_->writer.add_command(request_.context, command);
    if (sent == Transfer::done && response.data_set)
        sent = side_->writer.add_data(request_.context, data_set);
    if (sent == Transfer::done)
        sent = side_->writer.flush();
    return outcome_of(sent);
}

} // namespace gantry::dimse
