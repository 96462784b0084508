#include "gateway/face_options.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace gantry {

std::vector<std::string> store_destinations(const Config& config)
{
    std::set<std::string> names(config.routes.dimse.store.begin(), config.routes.dimse.store.end());
    names.insert(config.routes.web.store.begin(), config.routes.web.store.end());
    return {names.begin(), names.end()};
}

faces::DimseFaceOptions face_options(const Config& config)
{
    faces::DimseFaceOptions options;
    options.ae_title = config.dimse.acceptor.ae_title;
    const std::uint16_t per_peer = config.dimse.max_associations_per_peer;
    for (const config::Peer& peer : config.peers)
        options.peers[peer.address.ae_title] = {
            .echo = peer.may(config::Service::echo),
            .store = peer.may(config::Service::store),
            .find = peer.may(config::Service::find),
            .move = peer.may(config::Service::move),
            .get = peer.may(config::Service::get),
            .max_associations = peer.max_associations.value_or(per_peer)
        };
    if (config.dimse.allow_unknown_peers)
        options.unknown_peers = faces::PeerPermissions{.max_associations = per_peer};
    // The archive of our own matches names as they are, and dates in the zone that they came in.
    options.fuzzy = std::ranges::all_of(config.routes.dimse.find, [&](const std::string& name) {
        return config.origin(name)->kind == config::Origin::Kind::dicomweb;
    });
    options.timezone = options.fuzzy;
    options.store_to = config.routes.dimse.store;
    std::vector<config::AcceptedSyntaxes> taken;
    for (const std::string& name : options.store_to)
        taken.push_back(config.origin(name)->transfer_syntaxes);
    options.taken_as_is = [taken = std::move(taken)](const Uid& syntax) {
        return std::ranges::all_of(taken, [&](const auto& origin) {
            return origin.takes(syntax.str());
        });
    };
    return options;
}

faces::FindServiceOptions find_options(const Config& config)
{
    faces::FindServiceOptions options;
    if (!config.routes.dimse.retrieve.empty())
        options.retrieve_ae_title = config.dimse.acceptor.ae_title;
    options.lenient = config.dimse.lenient_queries;
    for (const config::Peer& peer : config.peers)
        if (!peer.character_set.empty())
            options.character_sets[peer.address.ae_title] = peer.character_set;
    return options;
}

faces::RetrievalOptions retrieval_options(const Config& config)
{
    faces::RetrievalOptions options;
    for (const config::Peer& peer : config.peers) {
        if (peer.address.host.empty())
            continue; // it only calls us
        faces::MoveDestination& destination = options.destinations[peer.address.ae_title];
        destination.address = peer.address;
        destination.transfer_syntaxes = peer.transfer_syntaxes;
        if (peer.max_associations)
            destination.max_associations =
                std::min(destination.max_associations, *peer.max_associations);
    }
    options.scratch = config.state_dir / "scratch";
    options.lenient = config.dimse.lenient_queries;
    return options;
}

CacheOptions cache_options(const Config& config)
{
    CacheOptions options;
    options.folder = config.state_dir / "cache";
    options.max_size = config.cache.max_size;
    options.min_free = config.cache.min_free;
    options.max_age = std::chrono::ceil<std::chrono::seconds>(config.cache.max_age);
    options.list_age = config.cache.list_age;
    return options;
}

dimse::RequestorOptions requestor_options(const Config& config)
{
    dimse::RequestorOptions options;
    options.calling_ae_title = config.dimse.acceptor.ae_title;
    options.pdu_size = config.dimse.acceptor.pdu_size;
    options.timeouts = config.dimse.acceptor.timeouts;
    return options;
}

namespace {

void not_offered_by(
    const std::string& face, const config::FaceRoutes& routes, std::vector<std::string>& out
)
{
    const auto named = [&](const char* service, const std::string& origin) {
        if (!origin.empty())
            out.push_back(fmt::format("routes.{}.{}", face, service));
    };
    named("worklist", routes.worklist);
    named("performed_step", routes.performed_step);
    named("commit", routes.commit);
    named("workitems", routes.workitems);
}

} // namespace

std::vector<std::string> not_offered(const Config& config)
{
    std::vector<std::string> out;
    not_offered_by("dimse", config.routes.dimse, out);
    not_offered_by("web", config.routes.web, out);
    if (config.dimse.tls)
        out.emplace_back("dimse.tls");
    return out;
}

} // namespace gantry
