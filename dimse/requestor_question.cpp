// Questions and answers on an association that we opened (PS3.7 9.3.2, 9.3.3, 9.3.4), and what a
// C-GET brings on the same one.
#include "dimse/data_set.h"
#include "dimse/requestor_association.h"
#include "dimse/response.h"

#include <utility>

namespace gantry::dimse {

namespace {

constexpr std::uint16_t priority_medium = 0; // PS3.7 E.1

/// None where the response has none of them: they may be left out of a final one (PS3.7 9.3.3.2).
std::optional<SubOperations> counts_of(const CommandSet& set)
{
    const auto remaining = set.us(element::remaining_sub_operations);
    const auto completed = set.us(element::completed_sub_operations);
    const auto failed = set.us(element::failed_sub_operations);
    const auto warning = set.us(element::warning_sub_operations);
    if (!remaining && !completed && !failed && !warning)
        return std::nullopt;
    return SubOperations{
        .remaining = remaining.value_or(0),
        .completed = completed.value_or(0),
        .failed = failed.value_or(0),
        .warning = warning.value_or(0)
    };
}

} // namespace

Result<void> RequestorAssociation::ask(const Question& question, DcmDataset& identifier)
{
    const auto* context = accepted_context(context_of(question.sop_class, {}));
    if (context == nullptr)
        return error(Errc::no_context, question.sop_class.str());
    asked_on_ = *context;
    wire::Buffer bytes;
    if (const auto encoded = encode_data_set(identifier, asked_on_.transfer_syntax, bytes);
        !encoded)
        return encoded.error();
    asked_ = question.command;
    asked_id_ = question.message_id != 0 ? question.message_id : ++message_id_;
    command_.clear();
    CommandWriter writer(command_);
    writer.uid(element::affected_sop_class, question.sop_class.str())
        .us(element::command_field, static_cast<std::uint16_t>(question.command))
        .us(element::message_id, asked_id_);
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
        .us(element::message_id_responded_to, asked_id_)
        .us(element::data_set_type, no_data_set)
        .finish();
    connection_.end_within(options_.timeouts.cancel);
    if (const Transfer sent = writer_.write_command(asked_on_.id, command_); sent != Transfer::done)
        return lost(interruption_of(sent)).error();
    return {};
}

Result<bool> RequestorAssociation::await_message()
{
    const Readiness ready = connection_.wait_any(-1, connection_.silence());
    if (ready.input || ready.stopped)
        return ready.input;
    return lost(Interruption::silence).error();
}

Result<RequestorAssociation::Answer> RequestorAssociation::next_answer()
{
    CommandMessage message;
    if (const Interruption met = read_command(message); met != Interruption::none)
        return lost(met).error();
    return answer_of(message);
}

Result<std::optional<RequestorAssociation::Answer>>
RequestorAssociation::hear(const BeginStore& take)
{
    CommandMessage message;
    if (const Interruption met = read_command(message); met != Interruption::none)
        return lost(met).error();
    if (asked_ == Command::c_get_rq && message.set.command() == Command::c_store_rq) {
        if (const auto taken = take_instance(message, take); !taken)
            return taken.error();
        return std::optional<Answer>{};
    }
    auto answer = answer_of(message);
    if (!answer)
        return answer.error();
    return std::optional<Answer>(std::move(*answer));
}

Result<RequestorAssociation::Answer> RequestorAssociation::answer_of(const CommandMessage& message)
{
    const auto expected = static_cast<std::uint16_t>(asked_) | response_bit;
    const auto status = message.set.us(element::status);
    if (static_cast<std::uint16_t>(message.set.command()) != expected || !status ||
        message.context != asked_on_.id ||
        message.set.us(element::message_id_responded_to) != asked_id_)
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

/// A class whose context was accepted, but not with us as its SCP, is refused, and the next one may
/// come; on any other context nothing may come at all.
Result<void>
RequestorAssociation::take_instance(const CommandMessage& message, const BeginStore& take)
{
    const auto* context = accepted_context(message.context);
    if (context == nullptr || !message.set.us(element::message_id))
        return lost(reader_.broken(pdu::AbortReason::invalid_parameter_value)).error();
    const Uid& sop_class = class_of(context->id);
    StoreIntake intake =
        may_store(sop_class)
            ? take_store(reader_, message, {sop_class, context->transfer_syntax}, take)
            : refuse_store(
                  reader_, message, {status::sop_class_not_supported, "no role for this class"}
              );
    if (intake.met != Interruption::none)
        return lost(intake.met).error();
    command_.clear();
    write_response(command_, message.set, intake.status);
    if (const Transfer sent = writer_.write_command(message.context, command_);
        sent != Transfer::done)
        return lost(interruption_of(sent)).error();
    return {};
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
