// Questions and answers on an association that we opened (PS3.7 9.3.2, 9.3.3).
#include "dimse/data_set.h"
#include "dimse/requestor_association.h"

#include <utility>

namespace gantry::dimse {

namespace {

constexpr std::uint16_t priority_medium = 0; // PS3.7 E.1

SubOperations counts_of(const CommandSet& set)
{
    return {
        .remaining = set.us(element::remaining_sub_operations).value_or(0),
        .completed = set.us(element::completed_sub_operations).value_or(0),
        .failed = set.us(element::failed_sub_operations).value_or(0),
        .warning = set.us(element::warning_sub_operations).value_or(0)
    };
}

} // namespace

Result<void> RequestorAssociation::ask(const Question& question, DcmDataset& identifier)
{
    asked_on_ = {};
    asked_on_.id = context_of(question.sop_class, {});
    for (const NegotiatedContext& context : accept_.contexts) {
        if (context.id == asked_on_.id)
            asked_on_ = context;
    }
    if (asked_on_.id == 0)
        return error(Errc::no_context, question.sop_class.str());
    wire::Buffer bytes;
    if (const auto encoded = encode_data_set(identifier, asked_on_.transfer_syntax, bytes);
        !encoded)
        return encoded.error();
    asked_ = question.command;
    command_.clear();
    CommandWriter writer(command_);
    writer.uid(element::affected_sop_class, question.sop_class.str())
        .us(element::command_field, static_cast<std::uint16_t>(question.command))
        .us(element::message_id, ++message_id_);
    if (question.destination)
        writer.text(element::move_destination, question.destination->str());
    writer.us(element::priority, priority_medium)
        .us(element::data_set_type, with_data_set)
        .finish();
    Transfer sent = writer_.write_command(asked_on_.id, command_, true);
    if (sent == Transfer::done)
        sent = writer_.write_data(asked_on_.id, bytes);
    if (sent != Transfer::done)
        return lost(interruption_of(sent)).error();
    return {};
}

Result<void> RequestorAssociation::cancel()
{
    command_.clear();
    CommandWriter writer(command_);
    writer.us(element::command_field, static_cast<std::uint16_t>(Command::c_cancel_rq))
        .us(element::message_id_responded_to, message_id_)
        .us(element::data_set_type, no_data_set)
        .finish();
    if (const Transfer sent = writer_.write_command(asked_on_.id, command_); sent != Transfer::done)
        return lost(interruption_of(sent)).error();
    return {};
}

Result<RequestorAssociation::Answer> RequestorAssociation::next_answer()
{
    CommandMessage message;
    if (const Interruption met = reader_.read_command(message); met != Interruption::none)
        return lost(met).error();
    const auto expected = static_cast<std::uint16_t>(asked_) | response_bit;
    const auto status = message.set.us(element::status);
    if (static_cast<std::uint16_t>(message.set.command()) != expected || !status ||
        message.context != asked_on_.id ||
        message.set.us(element::message_id_responded_to) != message_id_)
        return lost(reader_.broken(pdu::AbortReason::unexpected_parameter)).error();
    Answer answer;
    answer.status = {*status, std::string(message.set.text(element::error_comment).substr(0, 64))};
    answer.counts = counts_of(message.set);
    if (!message.set.has_data_set())
        return answer;
    wire::Buffer bytes;
    if (const auto read = read_data_set(bytes); !read)
        return read.error();
    auto parsed = parse_data_set(bytes, asked_on_.transfer_syntax, max_match);
    if (!parsed) {
        (void)lost(Interruption::broken_off);
        return parsed.error();
    }
    answer.data_set = std::move(*parsed);
    return answer;
}

/// More than max_match bytes end the association: what is cut off is no answer.
Result<void> RequestorAssociation::read_data_set(wire::Buffer& bytes)
{
    for (;;) {
        ConstBytes fragment;
        if (const Interruption met = reader_.read_data(asked_on_.id, fragment);
            met != Interruption::none)
            return lost(met).error();
        if (fragment.empty())
            return {};
        if (bytes.size() + fragment.size() > max_match) {
            (void)lost(Interruption::broken_off);
            return error(Errc::malformed, "answer too large");
        }
        bytes.insert(bytes.end(), fragment.begin(), fragment.end());
    }
}

} // namespace gantry::dimse
