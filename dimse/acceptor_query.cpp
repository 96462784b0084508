// C-FIND, C-MOVE and C-GET on an association that a peer opened: reads the request whole, and
// leaves it to an operation. Runs on the association's thread.
#include "dimse/acceptor_association.h"
#include "dimse/data_set.h"
#include "dimse/find_operation.h"
#include "dimse/log.h"
#include "dimse/retrieve_operation.h"
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

RequestHead head_of(const CommandMessage& message, const AcceptedContext& context)
{
    return {
        .context = message.context,
        .command = message.set.command(),
        .message_id = message.set.us(element::message_id).value_or(0),
        .sop_class = context.abstract_syntax,
        .transfer_syntax = context.transfer_syntax
    };
}

FindRequest find_request(const RequestHead& head, const AcceptedContext& context)
{
    FindRequest request;
    request.sop_class = head.sop_class;
    request.message_id = head.message_id;
    request.granted = context.granted;
    return request;
}

RetrieveRequest retrieve_request(const CommandSet& set, const AcceptedContext& context)
{
    constexpr std::uint16_t priority_low = 2; // PS3.7 E.1: 0 medium, 1 high
    RetrieveRequest request;
    request.sop_class = context.abstract_syntax;
    request.message_id = set.us(element::message_id).value_or(0);
    request.priority = set.us(element::priority).value_or(0);
    if (request.priority > priority_low)
        request.priority = 0;
    if (set.command() == Command::c_move_rq)
        request.move_destination = AeTitle::parse(set.text(element::move_destination));
    request.granted.relational = context.granted.relational;
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
    // What the command set holds is gone when the next message is read.
    const RequestHead head = head_of(message, context);
    AssociationSide here = side();
    if (head.command == Command::c_find_rq) {
        FindRequest request = find_request(head, context);
        request.identifier = std::move(*identifier);
        return FindOperation(here, head).run(std::move(request));
    }
    RetrieveRequest request = retrieve_request(message.set, context);
    request.identifier = std::move(*identifier);
    return RetrieveOperation(here, head, contexts_).run(std::move(request));
}

} // namespace gantry::dimse
