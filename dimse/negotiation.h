// Answers an A-ASSOCIATE-RQ, context by context (PS3.8 9.3.3.2, PS3.7 D.3.3.4). Runs on the
// association's worker thread; asks the service provider, decides nothing itself.
#pragma once

#include "dimse/associate.h"
#include "dimse/association.h"
#include "dimse/service_provider.h"

#include <cstdint>
#include <vector>

namespace gantry::dimse {

struct AcceptedContext {
    std::uint8_t id = 0;
    Uid abstract_syntax;
    Uid transfer_syntax;
    bool peer_is_scp = false; // we may send C-STORE-RQ on it (PS3.7 D.3.3.4)
    QueryOptions granted = {};
};

/// The contexts of one association that may be used.
class AcceptedContexts {
public:
    void add(AcceptedContext context) { contexts_.push_back(std::move(context)); }

    bool has(const Uid& sop_class) const noexcept;
    void grant(const Uid& sop_class, QueryOptions granted) noexcept;
    void let_peer_be_scp(const Uid& sop_class) noexcept;

    /// Null where the id was not proposed or was refused.
    const AcceptedContext* find(std::uint8_t id) const noexcept;

    std::size_t size() const noexcept { return contexts_.size(); }

    const std::vector<AcceptedContext>& all() const noexcept { return contexts_; }

private:
    std::vector<AcceptedContext> contexts_;
};

struct Negotiated {
    AssociateAccept accept;
    AcceptedContexts contexts;
};

Negotiated negotiate(
    const AssociateRequest& request,
    const AssociationInfo& peer,
    const ServiceProvider& provider,
    std::uint32_t pdu_size
);

} // namespace gantry::dimse
