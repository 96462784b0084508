#include "dimse/associate.h"
#include "dimse/associate_items.h"
#include "mapping/vocabulary/implementation.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <utility>

namespace gantry::dimse {

namespace {

void put_item(wire::Buffer& out, std::uint8_t type, std::string_view value)
{
    wire::put8(out, type);
    wire::put8(out, 0);
    wire::put16(out, static_cast<unsigned>(value.size()));
    wire::put(out, value);
}

/// Writes an item whose length is known only at its end.
template <class F>
void put_nested(wire::Buffer& out, std::uint8_t type, F content)
{
    wire::put8(out, type);
    wire::put8(out, 0);
    const std::size_t length_at = out.size();
    wire::put16(out, 0);
    content();
    const std::size_t length = out.size() - length_at - 2;
    out[length_at] = static_cast<std::byte>(length >> 8U);
    out[length_at + 1] = static_cast<std::byte>(length & 0xffU);
}

void put_title(wire::Buffer& out, const AeTitle& title)
{
    std::string padded = title.str();
    padded.resize(16, ' ');
    wire::put(out, padded);
}

void put_head(wire::Buffer& out, pdu::Type type, const AeTitle& called, const AeTitle& calling)
{
    wire::put8(out, static_cast<unsigned>(type));
    wire::put8(out, 0);
    wire::put32(out, 0); // set when all is written
    wire::put16(out, 1); // protocol version
    wire::put16(out, 0);
    put_title(out, called);
    put_title(out, calling);
    out.resize(out.size() + 32);
    put_item(out, application_context_item, application_context);
}

void put_user_information(wire::Buffer& out, const UserInformation& user)
{
    put_nested(out, user_information_item, [&] {
        wire::put8(out, max_length_item);
        wire::put8(out, 0);
        wire::put16(out, 4);
        wire::put32(out, user.max_pdu);
        put_item(out, implementation_class_item, implementation::class_uid);
        for (const RoleSelection& role : user.roles) {
            put_nested(out, role_selection_item, [&] {
                wire::put16(out, static_cast<unsigned>(role.sop_class.str().size()));
                wire::put(out, role.sop_class.str());
                wire::put8(out, role.scu ? 1 : 0);
                wire::put8(out, role.scp ? 1 : 0);
            });
        }
        put_item(out, implementation_version_item, user.implementation_version);
        for (const ExtendedNegotiation& item : user.extended) {
            put_nested(out, extended_negotiation_item, [&] {
                wire::put16(out, static_cast<unsigned>(item.sop_class.str().size()));
                wire::put(out, item.sop_class.str());
                out.insert(out.end(), item.information.begin(), item.information.end());
            });
        }
    });
}

wire::Buffer finished(wire::Buffer out)
{
    wire::store_be32(out.data() + 2, static_cast<std::uint32_t>(out.size() - pdu::head_size));
    return out;
}

} // namespace

wire::Buffer write_associate_request(const AssociateRequest& request)
{
    wire::Buffer out;
    put_head(out, pdu::Type::associate_rq, request.called, request.calling);
    for (const ProposedContext& context : request.contexts) {
        put_nested(out, context_rq_item, [&] {
            wire::put8(out, context.id);
            wire::put8(out, 0);
            wire::put16(out, 0);
            put_item(out, abstract_syntax_item, context.abstract_syntax.str());
            for (const Uid& syntax : context.transfer_syntaxes)
                put_item(out, transfer_syntax_item, syntax.str());
        });
    }
    put_user_information(out, request.user);
    return finished(std::move(out));
}

wire::Buffer write_associate_accept(const AssociateAccept& accept)
{
    wire::Buffer out;
    put_head(out, pdu::Type::associate_ac, accept.called, accept.calling);
    for (const NegotiatedContext& context : accept.contexts) {
        put_nested(out, context_ac_item, [&] {
            wire::put8(out, context.id);
            wire::put8(out, 0);
            wire::put8(out, static_cast<unsigned>(context.reason));
            wire::put8(out, 0);
            // PS3.8 9.3.3.2: present always, not significant where refused
            put_item(
                out,
                transfer_syntax_item,
                context.transfer_syntax.empty() ? transfer_syntax::implicit_le
                                                : std::string_view(context.transfer_syntax.str())
            );
        });
    }
    put_user_information(out, accept.user);
    return finished(std::move(out));
}

} // namespace gantry::dimse
