#include "dimse/store_command.h"

#include "dimse/error.h"

#include <string>

namespace gantry::dimse {

void write_store_command(wire::Buffer& out, const StoreCommand& command)
{
    CommandWriter writer(out);
    writer.uid(element::affected_sop_class, command.sop.sop_class.str())
        .us(element::command_field, static_cast<std::uint16_t>(Command::c_store_rq))
        .us(element::message_id, command.message_id)
        .us(element::priority, command.priority)
        .us(element::data_set_type, with_data_set)
        .uid(element::affected_sop_instance, command.sop.sop_instance.str());
    if (command.originator)
        writer.text(element::move_originator, command.originator->ae_title.str())
            .us(element::move_originator_message_id, command.originator->message_id);
    writer.finish();
}

MessageWriter::SourcedEnd send_instance(
    MessageWriter& writer,
    std::uint8_t context,
    const OutgoingInstance& instance,
    std::uint16_t message_id
)
{
    const auto first = instance.data_set->next();
    if (!first)
        return {.fault = first.error()};
    if (first->empty())
        return {.fault = error(Errc::unreadable, "no data set")};
    wire::Buffer command;
    write_store_command(
        command,
        {.sop = instance.key.sop,
         .message_id = message_id,
         .priority = instance.priority,
         .originator = instance.originator}
    );
    return writer.write_sourced(
        context, {.command = command, .source = instance.data_set.get(), .first = *first}
    );
}

std::optional<DimseStatus> store_answer(const CommandSet& response, std::uint16_t message_id)
{
    const auto status = response.us(element::status);
    if (response.command() != Command::c_store_rsp || response.has_data_set() || !status ||
        response.us(element::message_id_responded_to) != message_id)
        return std::nullopt;
    return DimseStatus{*status, std::string(response.text(element::error_comment).substr(0, 64))};
}

} // namespace gantry::dimse
