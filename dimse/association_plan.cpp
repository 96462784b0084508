#include "dimse/association_plan.h"

#include "dimse/extended_negotiation.h"
#include "mapping/vocabulary/implementation.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <string>
#include <utility>

namespace gantry::dimse {

namespace {

Uid known_uid(std::string_view text)
{
    return Uid::parse(text).value_or(Uid{}); // a literal: never the other
}

ProposedContext plain_context(Uid sop_class)
{
    ProposedContext context;
    context.abstract_syntax = std::move(sop_class);
    context.transfer_syntaxes = {
        known_uid(transfer_syntax::explicit_le), known_uid(transfer_syntax::implicit_le)
    };
    return context;
}

/// One item for each class (PS3.7 D.3.3.4.1), none for the roles that need no words.
void put_role(std::vector<RoleSelection>& roles, const ProposedContext& context)
{
    const auto same = [&](const RoleSelection& role) {
        return role.sop_class == context.abstract_syntax;
    };
    if ((context.scp_role || !context.scu_role) && std::ranges::none_of(roles, same))
        roles.push_back({context.abstract_syntax, context.scu_role, context.scp_role});
}

} // namespace

AssociationPlan query_plan(const Uid& sop_class, QueryOptions wanted)
{
    AssociationPlan plan;
    plan.contexts = {plain_context(sop_class)};
    auto information = wanted_information(service_of(sop_class.str()), wanted);
    if (!information.empty())
        plan.extended = {{sop_class, std::move(information)}};
    return plan;
}

AssociationPlan verification_plan()
{
    return {.contexts = {plain_context(known_uid("1.2.840.10008.1.1"))}};
}

AssociateRequest associate_request(
    const PeerAddress& peer, const RequestorOptions& options, const AssociationPlan& plan
)
{
    AssociateRequest request;
    request.calling = options.calling_ae_title;
    request.called = peer.ae_title;
    request.dicom_application_context = true;
    request.user.max_pdu = options.pdu_size;
    request.user.implementation_version = std::string(implementation::version_name);
    request.user.extended = plan.extended;
    request.contexts = plan.contexts;
    if (request.contexts.size() > max_contexts)
        request.contexts.resize(max_contexts);
    std::uint8_t id = 1;
    for (ProposedContext& context : request.contexts) {
        context.id = id;
        id = static_cast<std::uint8_t>(id + 2);
        put_role(request.user.roles, context);
    }
    return request;
}

} // namespace gantry::dimse
