#include "dimse/data_set.h"
#include "dimse/extended_negotiation.h"
#include "support/data_sets.h"
#include "support/scripted_pacs_state.h"

#include <algorithm>
#include <utility>

namespace gantry::tests {

namespace {

std::string first_of(const std::vector<std::string>& liked, const std::vector<Uid>& offered)
{
    if (liked.empty())
        return offered.empty() ? "" : offered.front().str();
    for (const std::string& syntax : liked)
        if (std::ranges::any_of(offered, [&](const Uid& uid) { return uid.str() == syntax; }))
            return syntax;
    return {};
}

} // namespace

void PacsAssociation::run()
{
    bool opened = false;
    try {
        opened = open();
        while (opened)
            serve(wire_.read());
    } catch (const std::exception&) { // however it ended
    }
    if (opened)
        state_.locked([this] { --state_.open; });
}

bool PacsAssociation::open()
{
    const ByteVector pdu = wire_.peer.receive_pdu();
    auto parsed = dimse::parse_associate_request(ConstBytes(pdu).subspan(dimse::pdu::head_size));
    if (!std::holds_alternative<dimse::AssociateRequest>(parsed))
        return false;
    asked_ = std::get<dimse::AssociateRequest>(std::move(parsed));
    const bool room = state_.locked([this] {
        script_ = state_.script;
        if (state_.open >= script_.most_associations) {
            ++state_.rejected;
            return false;
        }
        number_ = ++state_.associations;
        state_.most_at_once = std::max(state_.most_at_once, ++state_.open);
        return true;
    });
    if (room) {
        negotiate(asked_);
        return wire_.peer.send(dimse::write_associate_accept(accepted_));
    }
    wire_.peer.send(dimse::pdu::reject(dimse::Refusal::local_limit_exceeded));
    (void)wire_.peer.closed();
    return false;
}

void PacsAssociation::negotiate(const dimse::AssociateRequest& request)
{
    using Reason = dimse::ContextAnswer::Reason;
    accepted_.calling = request.calling;
    accepted_.called = request.called;
    accepted_.user.implementation_version = "SCRIPTED";
    wire_.peer_max_pdu = request.user.max_pdu;
    for (const dimse::ProposedContext& proposed : request.contexts) {
        dimse::NegotiatedContext answer{proposed.id, Reason::accepted, {}};
        const std::string syntax = first_of(script_.syntaxes, proposed.transfer_syntaxes);
        if (script_.refused_classes.contains(proposed.abstract_syntax.str()))
            answer.reason = Reason::abstract_syntax_not_supported;
        else if (syntax.empty())
            answer.reason = Reason::transfer_syntaxes_not_supported;
        else
            answer.transfer_syntax = *Uid::parse(syntax);
        accepted_.contexts.push_back(std::move(answer));
    }
    if (script_.grants_roles)
        accepted_.user.roles = request.user.roles;
    for (const dimse::ExtendedNegotiation& item : request.user.extended) {
        const Service service = service_of(item.sop_class.str());
        accepted_.user.extended.push_back(
            {item.sop_class,
             dimse::granted_information(service, item.information.size(), script_.grants)}
        );
    }
}

const dimse::NegotiatedContext* PacsAssociation::context(unsigned id) const
{
    for (const dimse::NegotiatedContext& known : accepted_.contexts)
        if (known.id == id && !known.transfer_syntax.empty())
            return &known;
    return nullptr;
}

PacsRequest PacsAssociation::request_of(const PacsMessage& message)
{
    PacsRequest request;
    const dimse::CommandSet& set = message.set;
    const dimse::NegotiatedContext* on = context(message.context);
    if (on == nullptr)
        throw PacsEnd();
    request.command = static_cast<unsigned>(set.command());
    request.sop_class = set.text(dimse::element::affected_sop_class);
    request.message_id = set.us(dimse::element::message_id).value_or(0);
    request.priority = set.us(dimse::element::priority).value_or(0);
    request.destination = set.text(dimse::element::move_destination);
    request.calling = asked_.calling.str();
    request.association = number_;
    request.context = message.context;
    request.transfer_syntax = on->transfer_syntax.str();
    for (const auto& item : asked_.user.extended)
        if (item.sop_class.str() == request.sop_class)
            request.granted = dimse::common_options(
                dimse::offered_options(service_of(request.sop_class), item.information)
                    .value_or(dimse::QueryOptions{}),
                script_.grants
            );
    const auto parsed = set.command() == dimse::Command::c_store_rq || message.data_set.empty()
                            ? Result<std::unique_ptr<DcmDataset>>(nullptr)
                            : dimse::parse_data_set(message.data_set, on->transfer_syntax);
    if (parsed && *parsed)
        request.identifier = lines_of(**parsed);
    return request;
}

void PacsAssociation::serve(const PacsMessage& message)
{
    if (message.set.command() == dimse::Command::c_cancel_rq) {
        state_.locked([this] { ++state_.cancels; });
        return;
    }
    const PacsRequest request = request_of(message);
    state_.locked([&] {
        const dimse::QueryOptions grants = script_.grants; // what was negotiated stays
        script_ = state_.script;
        script_.grants = grants;
        state_.asked.push_back(request);
    });
    if (script_.instead && script_.instead(wire_.peer, request))
        return;
    switch (message.set.command()) {
    case dimse::Command::c_echo_rq: return echo(message);
    case dimse::Command::c_store_rq: return take(message);
    case dimse::Command::c_find_rq: return find(message, request);
    case dimse::Command::c_move_rq:
    case dimse::Command::c_get_rq: return retrieve(message, request);
    default: throw PacsEnd();
    }
}

void PacsAssociation::echo(const PacsMessage& message)
{
    dimse::wire::Buffer response;
    dimse::write_response(response, message.set, DimseStatus{});
    wire_.send_command(message.context, response);
}

void PacsAssociation::take(const PacsMessage& message)
{
    PacsInstance taken;
    taken.sop_class = message.set.text(dimse::element::affected_sop_class);
    taken.sop_instance = message.set.text(dimse::element::affected_sop_instance);
    taken.transfer_syntax = context(message.context)->transfer_syntax.str();
    taken.data_set = message.data_set;
    state_.locked([&] { state_.stored.push_back(std::move(taken)); });
    dimse::wire::Buffer response;
    dimse::write_response(response, message.set, DimseStatus{script_.store_status, {}});
    wire_.send_command(message.context, response);
}

void PacsAssociation::answer(
    const PacsRequest& request, const dimse::QueryResponse& response, ConstBytes data_set
)
{
    dimse::RequestHead head;
    head.context = static_cast<std::uint8_t>(request.context);
    head.command = static_cast<dimse::Command>(request.command);
    head.message_id = static_cast<std::uint16_t>(request.message_id);
    head.sop_class = Uid::parse(request.sop_class).value_or(Uid{});
    dimse::wire::Buffer command;
    dimse::write_response(command, head, response);
    wire_.send_command(request.context, command);
    if (response.data_set)
        wire_.send_data(request.context, data_set, data_set.size());
}

bool PacsAssociation::cancelled()
{
    if (!wire_.pending())
        return false;
    if (wire_.read().set.command() != dimse::Command::c_cancel_rq)
        throw PacsEnd();
    state_.locked([this] { ++state_.cancels; });
    return true;
}

} // namespace gantry::tests
