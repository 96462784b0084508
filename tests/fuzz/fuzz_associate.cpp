// A-ASSOCIATE-RQ and -AC as a peer may send them: what is understood can be answered, and the
// answer is understood.
#include "dimse/associate.h"
#include "dimse/extended_negotiation.h"
#include "mapping/vocabulary/sop_class.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <variant>

using namespace gantry;
using namespace gantry::dimse;

namespace {

void require(bool holds)
{
    if (!holds)
        std::abort();
}

void answer(const AssociateRequest& request)
{
    AssociateAccept accept;
    accept.user.roles = request.user.roles;
    for (const ExtendedNegotiation& item : request.user.extended) {
        const Service service = service_of(item.sop_class.str());
        if (const auto wanted = offered_options(service, item.information))
            accept.user.extended.push_back(
                {item.sop_class, granted_information(service, item.information.size(), *wanted)}
            );
    }
    for (const ProposedContext& context : request.contexts) {
        NegotiatedContext answer;
        answer.id = context.id;
        if (!context.transfer_syntaxes.empty()) {
            answer.reason = ContextAnswer::Reason::accepted;
            answer.transfer_syntax = context.transfer_syntaxes.back();
        }
        accept.contexts.push_back(answer);
    }
    const wire::Buffer bytes = write_associate_accept(accept);
    const auto again = parse_associate_accept(ConstBytes(bytes).subspan(pdu::head_size));
    // More role items than 64 KiB of user information hold cannot be answered, nor asked by us.
    if (request.user.roles.size() < 500) {
        require(std::holds_alternative<AssociateAccept>(again));
        require(std::get<AssociateAccept>(again).contexts.size() == request.contexts.size());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ConstBytes bytes = std::as_bytes(std::span(data, size));
    if (bytes.size() >= AssociateHead::size)
        (void)parse_associate_head(bytes);
    const auto request = parse_associate_request(bytes);
    if (const auto* parsed = std::get_if<AssociateRequest>(&request))
        answer(*parsed);
    (void)parse_associate_accept(bytes);
    return 0;
}
