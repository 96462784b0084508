#include "config/config.h"

#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>

namespace gantry::config {

bool Peer::may(Service service) const
{
    return !only || std::ranges::find(*only, service) != only->end();
}

bool AcceptedSyntaxes::takes(std::string_view transfer_syntax) const
{
    switch (policy) {
    case Policy::as_they_are: return true;
    case Policy::web_allowed: return TransferSyntax::of(transfer_syntax).web_allowed;
    case Policy::listed: break;
    }
    return std::ranges::any_of(listed, [&](const Uid& uid) {
        return uid.str() == transfer_syntax;
    });
}

const Peer* Config::peer(const AeTitle& ae_title) const
{
    const auto found =
        std::ranges::find(peers, ae_title, [](const Peer& each) { return each.address.ae_title; });
    return found == peers.end() ? nullptr : &*found;
}

const Origin* Config::origin(std::string_view name) const
{
    const auto found = std::ranges::find(origins, name, &Origin::name);
    return found == origins.end() ? nullptr : &*found;
}

} // namespace gantry::config
