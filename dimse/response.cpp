#include "dimse/response.h"

#include "mapping/vocabulary/uid.h"

#include <algorithm>
#include <string>

namespace gantry::dimse {

namespace {

// (0000,0902) is LO: 64 characters, no backslash.
std::string error_comment(const std::string& text)
{
    std::string comment = text.substr(0, 64);
    std::erase_if(comment, [](char c) { return c < 0x20 || c > 0x7e || c == '\\'; });
    return comment;
}

/// The class and the instance stand in other elements for some N-services (PS3.7 10.3).
std::string_view either(const CommandSet& set, std::uint16_t affected, std::uint16_t requested)
{
    const std::string_view first = set.text(affected);
    return first.empty() ? set.text(requested) : first;
}

/// Counters are US: what is more is said as the most (PS3.7 E.1).
std::uint16_t us(std::uint32_t count)
{
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(count, 0xffff));
}

bool usable_uid(std::string_view text)
{
    return Uid::parse(text).has_value();
}

} // namespace

void write_response(wire::Buffer& out, const CommandSet& request, const DimseStatus& status)
{
    const auto field = static_cast<std::uint16_t>(request.command());
    const std::string_view sop_class =
        either(request, element::affected_sop_class, element::requested_sop_class);
    const std::string_view sop_instance =
        either(request, element::affected_sop_instance, element::requested_sop_instance);
    CommandWriter writer(out);
    if (usable_uid(sop_class))
        writer.uid(element::affected_sop_class, sop_class);
    writer.us(element::command_field, static_cast<std::uint16_t>(field | response_bit))
        .us(element::message_id_responded_to, request.us(element::message_id).value_or(0))
        .us(element::data_set_type, no_data_set)
        .us(element::status, status.code);
    if (!status.comment.empty())
        writer.text(element::error_comment, error_comment(status.comment));
    if (usable_uid(sop_instance))
        writer.uid(element::affected_sop_instance, sop_instance);
    writer.finish();
}

void write_response(wire::Buffer& out, const RequestHead& request, const QueryResponse& response)
{
    const auto field = static_cast<std::uint16_t>(request.command);
    CommandWriter writer(out);
    writer.uid(element::affected_sop_class, request.sop_class.str())
        .us(element::command_field, static_cast<std::uint16_t>(field | response_bit))
        .us(element::message_id_responded_to, request.message_id)
        .us(element::data_set_type, response.data_set ? with_data_set : no_data_set)
        .us(element::status, response.status.code);
    if (response.status.offending)
        writer.at(element::offending_element, *response.status.offending);
    if (!response.status.comment.empty())
        writer.text(element::error_comment, error_comment(response.status.comment));
    if (response.counts) {
        const SubOperations& counts = *response.counts;
        if (response.remaining)
            writer.us(element::remaining_sub_operations, us(counts.remaining));
        writer.us(element::completed_sub_operations, us(counts.completed))
            .us(element::failed_sub_operations, us(counts.failed))
            .us(element::warning_sub_operations, us(counts.warning));
    }
    writer.finish();
}

} // namespace gantry::dimse
