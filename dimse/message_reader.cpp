#include "dimse/message_stream.h"

#include <algorithm>

namespace gantry::dimse {

namespace {

// Message control header (PS3.8 E.2).
constexpr unsigned command_bit = 1;
constexpr unsigned last_bit = 2;

// Longer command sets do not exist: the longest is an N-GET-RQ with a list of attributes.
constexpr std::size_t max_command = 64U << 10U;

// Fragments are handed on when this much of them has arrived: larger pieces cost fewer writes,
// smaller ones need no second pass.
constexpr std::size_t worthwhile = 64U << 10U;

} // namespace

Interruption interruption_of(Transfer transfer) noexcept
{
    switch (transfer) {
    case Transfer::done: return Interruption::none;
    case Transfer::closed: return Interruption::closed;
    case Transfer::silence: return Interruption::silence;
    case Transfer::stopped: return Interruption::stopped;
    }
    return Interruption::closed;
}

Error error_of(Interruption interruption)
{
    switch (interruption) {
    case Interruption::released: return error(Errc::released);
    case Interruption::aborted: return error(Errc::aborted);
    case Interruption::closed: return error(Errc::closed);
    case Interruption::silence: return error(Errc::timeout);
    case Interruption::stopped: return error(Errc::stopped);
    case Interruption::broken_off: return error(Errc::unreadable);
    case Interruption::none:
    case Interruption::release_confirmed:
    case Interruption::broken: break;
    }
    return error(Errc::malformed);
}

MessageReader::MessageReader(Connection& connection, std::uint32_t max_pdu)
    : connection_(&connection), max_pdu_(max_pdu)
{
}

Interruption MessageReader::read_command(CommandMessage& message)
{
    command_.clear();
    do {
        const std::uint8_t previous = pdv_.context;
        if (const Interruption met = next_pdv(); met != Interruption::none)
            return met;
        if (!pdv_.command)
            return broken(pdu::AbortReason::unexpected_parameter);
        if (!command_.empty() && pdv_.context != previous)
            return broken(pdu::AbortReason::invalid_parameter_value);
        if (const Interruption met = take_command_fragment(); met != Interruption::none)
            return met;
    } while (!pdv_.last);
    auto set = CommandSet::parse(command_);
    if (!set)
        return broken(pdu::AbortReason::invalid_parameter_value);
    message.context = pdv_.context;
    message.set = std::move(*set);
    in_data_set_ = false;
    return Interruption::none;
}

Interruption MessageReader::take_command_fragment()
{
    while (pdv_.left > 0) {
        if (const Transfer got = connection_->fill(1); got != Transfer::done)
            return interruption_of(got);
        const ConstBytes arrived = connection_->buffered();
        const std::size_t count = std::min<std::size_t>(pdv_.left, arrived.size());
        if (command_.size() + count > max_command)
            return broken(pdu::AbortReason::invalid_parameter_value);
        command_.insert(
            command_.end(), arrived.begin(), arrived.begin() + static_cast<std::ptrdiff_t>(count)
        );
        connection_->consume(count);
        pdv_.left -= static_cast<std::uint32_t>(count);
    }
    return Interruption::none;
}

Interruption MessageReader::read_data(std::uint8_t context, ConstBytes& fragment)
{
    connection_->consume(handed_out_);
    handed_out_ = 0;
    fragment = {};
    while (pdv_.left == 0) {
        if (in_data_set_ && pdv_.last) {
            in_data_set_ = false;
            return Interruption::none;
        }
        if (const Interruption met = next_pdv(); met != Interruption::none)
            return met;
        if (pdv_.command)
            return broken(pdu::AbortReason::unexpected_parameter);
        if (pdv_.context != context)
            return broken(pdu::AbortReason::invalid_parameter_value);
        in_data_set_ = true;
    }
    const std::size_t wanted = std::min<std::size_t>(pdv_.left, worthwhile);
    if (const Transfer got = connection_->fill(wanted); got != Transfer::done)
        return interruption_of(got);
    const ConstBytes arrived = connection_->buffered();
    fragment = arrived.first(std::min<std::size_t>(pdv_.left, arrived.size()));
    handed_out_ = fragment.size();
    pdv_.left -= static_cast<std::uint32_t>(fragment.size());
    return Interruption::none;
}

Interruption MessageReader::skip_data(std::uint8_t context)
{
    ConstBytes fragment;
    do {
        if (const Interruption met = read_data(context, fragment); met != Interruption::none)
            return met;
    } while (!fragment.empty());
    return Interruption::none;
}

bool MessageReader::whole_pdu_buffered() const noexcept
{
    const ConstBytes arrived = connection_->buffered();
    if (pdu_left_ > 0)
        return arrived.size() >= pdu_left_;
    return arrived.size() >= pdu::head_size &&
           arrived.size() - pdu::head_size >= wire::be32(arrived.data() + 2);
}

Interruption MessageReader::next_pdv()
{
    if (pdu_left_ == 0) {
        if (const Interruption met = next_pdu(); met != Interruption::none)
            return met;
    }
    if (pdu_left_ < pdu::pdv_head_size)
        return broken(pdu::AbortReason::invalid_parameter_value);
    if (const Transfer got = connection_->fill(pdu::pdv_head_size); got != Transfer::done)
        return interruption_of(got);
    const std::byte* head = connection_->buffered().data();
    const std::uint32_t length = wire::be32(head); // counts context id and control header
    if (length < 2 || length > pdu_left_ - 4 || length % 2 != 0)
        return broken(pdu::AbortReason::invalid_parameter_value);
    const unsigned control = wire::number(head + 5);
    pdv_ = {
        .context = static_cast<std::uint8_t>(wire::number(head + 4)),
        .command = (control & command_bit) != 0,
        .last = (control & last_bit) != 0,
        .left = length - 2
    };
    connection_->consume(pdu::pdv_head_size);
    pdu_left_ -= length + 4;
    return Interruption::none;
}

Interruption MessageReader::next_pdu()
{
    if (const Transfer got = connection_->fill(pdu::head_size); got != Transfer::done)
        return interruption_of(got);
    const std::byte* head = connection_->buffered().data();
    const auto type = static_cast<std::uint8_t>(wire::number(head));
    const std::uint32_t length = wire::be32(head + 2);
    if (type != static_cast<std::uint8_t>(pdu::Type::p_data_tf))
        return other_pdu(type, length);
    if (length > max_pdu_ || length < pdu::pdv_head_size)
        return broken(pdu::AbortReason::invalid_parameter_value);
    connection_->consume(pdu::head_size);
    pdu_left_ = length;
    return Interruption::none;
}

Interruption MessageReader::other_pdu(std::uint8_t type, std::uint32_t length)
{
    if (type == 0 || type > static_cast<std::uint8_t>(pdu::Type::abort))
        return broken(pdu::AbortReason::unrecognised_pdu);
    if (type < static_cast<std::uint8_t>(pdu::Type::p_data_tf))
        return broken(pdu::AbortReason::unexpected_pdu);
    if (length != pdu::Small{}.size() - pdu::head_size)
        return broken(pdu::AbortReason::invalid_parameter_value);
    if (const Transfer got = connection_->fill(pdu::Small{}.size()); got != Transfer::done)
        return interruption_of(got);
    connection_->consume(pdu::Small{}.size());
    switch (static_cast<pdu::Type>(type)) {
    case pdu::Type::release_rq: return Interruption::released;
    case pdu::Type::release_rp: return Interruption::release_confirmed;
    default: return Interruption::aborted;
    }
}

Interruption MessageReader::broken(pdu::AbortReason reason)
{
    abort_reason_ = reason;
    return Interruption::broken;
}

} // namespace gantry::dimse
