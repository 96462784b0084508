#include "dimse/negotiation.h"

#include "dimse/extended_negotiation.h"
#include "mapping/vocabulary/implementation.h"
#include "mapping/vocabulary/sop_class.h"

#include <algorithm>
#include <string>

namespace gantry::dimse {

namespace {

using Reason = ContextAnswer::Reason;

/// The provider's answer, made to fit what was proposed: only an offered syntax can be accepted,
/// only a proposed role, and a context that leaves the peer no role is of no use.
ContextAnswer answer_to(
    const ProposedContext& context, const AssociationInfo& peer, const ServiceProvider& provider
)
{
    if (context.abstract_syntax.empty())
        return {Reason::abstract_syntax_not_supported, {}, false};
    if (context.transfer_syntaxes.empty())
        return {Reason::transfer_syntaxes_not_supported, {}, false};
    ContextAnswer answer = provider.negotiate(peer, context);
    if (!answer.transfer_syntax) {
        if (answer.reason == Reason::accepted)
            answer.reason = Reason::no_reason;
        return answer;
    }
    const auto& offered = context.transfer_syntaxes;
    if (std::find(offered.begin(), offered.end(), *answer.transfer_syntax) == offered.end())
        return {Reason::transfer_syntaxes_not_supported, {}, false};
    answer.accept_scp_role = answer.accept_scp_role && context.scp_role;
    answer.accept_scu_role = answer.accept_scu_role && context.scu_role;
    if (!answer.accept_scu_role && !answer.accept_scp_role)
        return {Reason::user_rejection, {}, false};
    answer.reason = Reason::accepted;
    return answer;
}

/// One role selection item for each class that came with one (PS3.7 D.3.3.4.2).
void answer_role(
    std::vector<RoleSelection>& roles, const ProposedContext& context, const ContextAnswer& answer
)
{
    const auto known = std::find_if(roles.begin(), roles.end(), [&](const RoleSelection& role) {
        return role.sop_class == context.abstract_syntax;
    });
    if (known == roles.end())
        roles.push_back({context.abstract_syntax, answer.accept_scu_role, answer.accept_scp_role});
    else {
        known->scu = known->scu || answer.accept_scu_role;
        known->scp = known->scp || answer.accept_scp_role;
    }
}

/// Answers the extended negotiation of each accepted class, once (PS3.7 D.3.3.5).
void answer_extended(
    const AssociateRequest& request,
    const AssociationInfo& peer,
    const ServiceProvider& provider,
    Negotiated& result
)
{
    auto& answers = result.accept.user.extended;
    for (const ExtendedNegotiation& item : request.user.extended) {
        const auto same = [&](const ExtendedNegotiation& answer) {
            return answer.sop_class == item.sop_class;
        };
        const Service service = service_of(item.sop_class.str());
        const auto wanted = offered_options(service, item.information);
        if (!wanted || !result.contexts.has(item.sop_class) ||
            std::any_of(answers.begin(), answers.end(), same))
            continue;
        const QueryOptions granted =
            common_options(*wanted, provider.grant(peer, item.sop_class, *wanted));
        result.contexts.grant(item.sop_class, granted);
        answers.push_back(
            {item.sop_class, granted_information(service, item.information.size(), granted)}
        );
    }
}

bool came_with_role(const AssociateRequest& request, const Uid& sop_class)
{
    const auto& roles = request.user.roles;
    return std::any_of(roles.begin(), roles.end(), [&](const RoleSelection& role) {
        return role.sop_class == sop_class;
    });
}

} // namespace

const AcceptedContext* AcceptedContexts::find(std::uint8_t id) const noexcept
{
    for (const AcceptedContext& context : contexts_) {
        if (context.id == id)
            return &context;
    }
    return nullptr;
}

bool AcceptedContexts::has(const Uid& sop_class) const noexcept
{
    return std::any_of(contexts_.begin(), contexts_.end(), [&](const AcceptedContext& context) {
        return context.abstract_syntax == sop_class;
    });
}

void AcceptedContexts::grant(const Uid& sop_class, QueryOptions granted) noexcept
{
    for (AcceptedContext& context : contexts_) {
        if (context.abstract_syntax == sop_class)
            context.granted = granted;
    }
}

void AcceptedContexts::let_peer_be_scp(const Uid& sop_class) noexcept
{
    for (AcceptedContext& context : contexts_) {
        if (context.abstract_syntax == sop_class)
            context.peer_is_scp = true;
    }
}

Negotiated negotiate(
    const AssociateRequest& request,
    const AssociationInfo& peer,
    const ServiceProvider& provider,
    std::uint32_t pdu_size
)
{
    Negotiated result;
    result.accept.calling = request.calling;
    result.accept.called = request.called;
    result.accept.user.max_pdu = pdu_size;
    result.accept.user.implementation_version = std::string(implementation::version_name);
    for (const ProposedContext& context : request.contexts) {
        const ContextAnswer answer = answer_to(context, peer, provider);
        const Uid syntax = answer.transfer_syntax.value_or(Uid{});
        result.accept.contexts.push_back({context.id, answer.reason, syntax});
        if (syntax.empty())
            continue;
        result.contexts.add({context.id, context.abstract_syntax, syntax});
        if (came_with_role(request, context.abstract_syntax))
            answer_role(result.accept.user.roles, context, answer);
    }
    for (const RoleSelection& role : result.accept.user.roles) {
        if (role.scp)
            result.contexts.let_peer_be_scp(role.sop_class);
    }
    answer_extended(request, peer, provider, result);
    return result;
}

} // namespace gantry::dimse
