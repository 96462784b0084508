// C-FIND, C-MOVE and C-GET on an association that a peer opened: reads the request whole, and
// leaves it to an operation. Runs on the association's thread.
#include "dimse/acceptor_association.h"
#include "dimse/data_set.h"
#include "dimse/find_operation.h"
#include "dimse/log.h"
#include "mapping/vocabulary/sop_class.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace gantry::dimse {

namespace {

bool belongs(Command command, Service service)
{
    switch (command) {
    case Command::c_find_rq: return service == Service::find || service == Service::worklist;
    case Command::c_move_rq: return service == Service::move;
    case Command::c_get_rq: return service == Service::get;
    default: return false;
    }
}

/// What can be said without the Identifier. Empty: go on.
std::optional<DimseStatus> objection(const CommandSet& set, const AcceptedContext& context)
{
    if (!belongs(set.command(), service_of(context.abstract_syntax.str())))
        return DimseStatus{status::unrecognised_operation, {}};
    const auto sop_class = Uid::parse(set.text(element::affected_sop_class));
    if (!sop_class || *sop_class != context.abstract_syntax)
        return DimseStatus{status::sop_class_not_supported, "not the class of its context"};
    if (!set.has_data_set())
        return DimseStatus{status::data_set_mismatch, "no Identifier"};
    if (set.command() == Command::c_move_rq && !AeTitle::parse(set.text(element::move_destination)))
        return DimseStatus{status::move_destination_unknown, "no Move Destination"};
    return std::nullopt;
}

FindRequest find_request(const RequestHead& head, const AcceptedContext& context)
{
    FindRequest request;
    request.sop_class = head.sop_class;
    request.message_id = head.message_id;
    request.granted = context.granted;
    return request;
}

} // namespace

AssociationSide AcceptorAssociation::side()
{
    return {loop_, provider_, info_, connection_, reader_, writer_, pending_interval_};
}

/// More than max_identifier bytes are read, and only counted.
Interruption AcceptorAssociation::read_identifier(std::uint8_t context, wire::Buffer& identifier)
{
    for (;;) {
        ConstBytes fragment;
        if (const Interruption met = reader_.read_data(context, fragment);
            met != Interruption::none)
            return met;
        if (fragment.empty())
            return Interruption::none;
        if (identifier.size() <= max_identifier)
            identifier.insert(identifier.end(), fragment.begin(), fragment.end());
    }
}

Interruption
AcceptorAssociation::query(const CommandMessage& message, const AcceptedContext& context)
{
    if (const auto refusal = objection(message.set, context))
        return refuse(message, *refusal);
    wire::Buffer bytes;
    if (const Interruption met = read_identifier(message.context, bytes); met != Interruption::none)
        return met;
    auto identifier = parse_data_set(bytes, context.transfer_syntax);
    if (!identifier) {
        log().warn(
            "identifier not understood assoc={} calling={} bytes={} reason=\"{}\"",
            info_.id,
            info_.calling.str(),
            bytes.size(),
            identifier.error().text()
        );
        return respond(message, {status::cannot_understand, "Identifier not understood"});
    }
    const RequestHead head{
        .context = message.context,
        .command = message.set.command(),
        .message_id = message.set.us(element::message_id).value_or(0),
        .sop_class = context.abstract_syntax,
        .transfer_syntax = context.transfer_syntax
    };
    AssociationSide here = side();
    FindRequest request = find_request(head, context);
    request.identifier = std::move(*identifier);
    return FindOperation(here, head).run(std::move(request));
}

} // namespace gantry::dimse
