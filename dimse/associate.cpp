#include "dimse/associate.h"

#include "dimse/associate_items.h"

#include <algorithm>
#include <bitset>
#include <utility>

namespace gantry::dimse {

namespace {

// A PDU that holds less than a PDV head and two bytes carries nothing; real peers say 4096 and up.
constexpr std::uint32_t smallest_max_pdu = 128;

struct TypedItem {
    std::uint8_t type = 0;
    ConstBytes value;
};

TypedItem next_item(wire::Reader& reader)
{
    TypedItem item;
    item.type = reader.u8();
    reader.take(1);
    const std::uint16_t length = reader.u16();
    item.value = reader.take(length);
    return item;
}

Uid uid_of(ConstBytes value)
{
    return Uid::parse(wire::text(value)).value_or(Uid{});
}

RoleSelection parse_role(ConstBytes value)
{
    wire::Reader reader(value);
    const std::uint16_t length = reader.u16();
    RoleSelection role;
    role.sop_class = uid_of(reader.take(length));
    role.scu = reader.u8() == 1;
    role.scp = reader.u8() == 1;
    return reader.failed() ? RoleSelection{} : role;
}

ExtendedNegotiation parse_extended(ConstBytes value)
{
    wire::Reader reader(value);
    const std::uint16_t length = reader.u16();
    ExtendedNegotiation item;
    item.sop_class = uid_of(reader.take(length));
    if (reader.failed())
        return {};
    const ConstBytes information = value.subspan(2U + length);
    item.information.assign(information.begin(), information.end());
    return item;
}

std::string printable(ConstBytes value)
{
    std::string text(wire::text(value).substr(0, 16));
    std::erase_if(text, [](char c) { return c < 0x20 || c > 0x7e; });
    return text;
}

/// False where the item lengths do not hold together. Sub-items that we do not know are passed
/// over (PS3.8 9.3.1).
bool parse_user_information(ConstBytes value, UserInformation& user)
{
    wire::Reader reader(value);
    while (!reader.done()) {
        const TypedItem item = next_item(reader);
        if (item.type == max_length_item && item.value.size() >= 4)
            user.max_pdu = wire::be32(item.value.data());
        else if (item.type == implementation_version_item)
            user.implementation_version = printable(item.value);
        else if (item.type == role_selection_item) {
            RoleSelection role = parse_role(item.value);
            if (!role.sop_class.empty())
                user.roles.push_back(std::move(role));
        } else if (item.type == extended_negotiation_item) {
            ExtendedNegotiation extended = parse_extended(item.value);
            if (!extended.sop_class.empty())
                user.extended.push_back(std::move(extended));
        }
    }
    return !reader.failed() && (user.max_pdu == 0 || user.max_pdu >= smallest_max_pdu);
}

bool parse_proposed_context(ConstBytes value, ProposedContext& context)
{
    wire::Reader reader(value);
    context.id = reader.u8();
    reader.take(3);
    while (!reader.done()) {
        const TypedItem item = next_item(reader);
        if (item.type == abstract_syntax_item)
            context.abstract_syntax = uid_of(item.value);
        else if (item.type == transfer_syntax_item) {
            Uid syntax = uid_of(item.value);
            if (!syntax.empty())
                context.transfer_syntaxes.push_back(std::move(syntax));
        }
    }
    return !reader.failed();
}

/// Odd, and each once (PS3.8 9.3.2.2).
class ContextIds {
public:
    bool take(std::uint8_t id)
    {
        if (id % 2 == 0 || seen_.test(id))
            return false;
        seen_.set(id);
        return true;
    }

private:
    std::bitset<256> seen_;
};

void apply_roles(AssociateRequest& request)
{
    for (ProposedContext& context : request.contexts) {
        const auto& roles = request.user.roles;
        const auto role = std::find_if(roles.begin(), roles.end(), [&](const RoleSelection& r) {
            return r.sop_class == context.abstract_syntax;
        });
        if (role == roles.end())
            continue;
        context.scu_role = role->scu;
        context.scp_role = role->scp;
    }
}

} // namespace

AssociateHead parse_associate_head(ConstBytes rest)
{
    AssociateHead head;
    head.version_1 = (wire::be16(rest.data()) & 1U) != 0;
    head.called = AeTitle::parse(wire::text(rest.subspan(4, 16)));
    head.calling = AeTitle::parse(wire::text(rest.subspan(20, 16)));
    return head;
}

std::variant<AssociateRequest, pdu::AbortReason> parse_associate_request(ConstBytes rest)
{
    constexpr auto bad = pdu::AbortReason::invalid_parameter_value;
    if (rest.size() < AssociateHead::size)
        return bad;
    const AssociateHead head = parse_associate_head(rest);
    AssociateRequest request;
    request.called = head.called.value_or(AeTitle{});
    request.calling = head.calling.value_or(AeTitle{});
    ContextIds ids;
    wire::Reader reader(rest.subspan(AssociateHead::size));
    while (!reader.done()) {
        const TypedItem item = next_item(reader);
        if (item.type == application_context_item)
            request.dicom_application_context = uid_of(item.value).str() == application_context;
        else if (item.type == context_rq_item) {
            ProposedContext context;
            if (!parse_proposed_context(item.value, context) || !ids.take(context.id))
                return bad;
            request.contexts.push_back(std::move(context));
        } else if (item.type == user_information_item &&
                   !parse_user_information(item.value, request.user))
            return bad;
    }
    if (reader.failed() || request.contexts.empty())
        return bad;
    apply_roles(request);
    return request;
}

std::variant<AssociateAccept, pdu::AbortReason> parse_associate_accept(ConstBytes rest)
{
    constexpr auto bad = pdu::AbortReason::invalid_parameter_value;
    if (rest.size() < AssociateHead::size)
        return bad;
    AssociateAccept accept;
    ContextIds ids;
    wire::Reader reader(rest.subspan(AssociateHead::size));
    while (!reader.done()) {
        const TypedItem item = next_item(reader);
        if (item.type == user_information_item && !parse_user_information(item.value, accept.user))
            return bad;
        if (item.type != context_ac_item)
            continue;
        wire::Reader inside(item.value);
        NegotiatedContext context;
        context.id = inside.u8();
        inside.take(1);
        const std::uint8_t result = inside.u8();
        inside.take(1);
        while (!inside.done()) {
            const TypedItem sub = next_item(inside);
            if (sub.type == transfer_syntax_item && result == 0)
                context.transfer_syntax = uid_of(sub.value);
        }
        if (inside.failed() || !ids.take(context.id))
            return bad;
        context.reason = static_cast<ContextAnswer::Reason>(std::min<std::uint8_t>(result, 4));
        accept.contexts.push_back(std::move(context));
    }
    return reader.failed() ? decltype(parse_associate_accept(rest)){bad} : std::move(accept);
}

} // namespace gantry::dimse
