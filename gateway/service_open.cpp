// Opens what a service is made of, in the order in which it needs each other. Blocking; before the
// loop runs.
#include "gateway/error.h"
#include "gateway/face_options.h"
#include "gateway/operation/admin_routes.h"
#include "gateway/operation/queue_commands.h"
#include "gateway/service_state.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <fmt/format.h>

namespace gantry {

namespace {

// Slots that are written ahead: a study that comes in after a quiet time finds its blocks
// allocated.
constexpr Bytes prepared_slots{128ULL << 20U};

// From its first instance to its last; what it waits for is remembered for as long.
constexpr std::chrono::hours longest_request{6};

} // namespace

Origin* Service::State::routed_to(const std::vector<std::string>& names)
{
    std::vector<Origin*> origins;
    for (const std::string& name : names)
        origins.push_back(&destination(name)->origin());
    if (origins.size() > 1)
        origins = {groups.emplace_back(std::make_unique<OriginGroup>(origins)).get()};
    return origins.empty() ? nullptr : origins.front();
}

Origin* Service::State::cached_route(const std::vector<std::string>& names)
{
    if (names.empty())
        return nullptr;
    Destination& only = *destination(names.front()); // the configuration allows one
    if (!cache || only.local() != nullptr)
        return &only.origin();
    auto& kept = cached[only.name()];
    if (!kept)
        kept = std::make_unique<CachedOrigin>(only.origin(), *cache, *fetches);
    return kept.get();
}

Result<void> Service::State::open_state()
{
    for (const std::filesystem::path& folder : {config.state_dir, scratch()}) {
        std::error_code code;
        std::filesystem::create_directories(folder, code);
        if (code)
            return error(Errc::disk, folder.string() + ": " + code.message());
    }
    custody::SpoolOptions spool_options;
    spool_options.folder = config.state_dir / "spool";
    spool_options.min_free = config.custody.min_free;
    spool_options.prepared = prepared_slots;
    auto opened = custody::Spool::open(std::move(spool_options), clock);
    if (!opened)
        return opened.error();
    spool = std::move(*opened);
    spool->on_flush([this](std::chrono::nanoseconds took) { metrics.flushed(took); });

    custody::QueueOptions queue_options;
    queue_options.database = config.state_dir / "queue.db";
    queue_options.destinations = store_destinations(config);
    queue_options.max_queued = config.custody.max_queued;
    queue_options.keep_delivered =
        std::chrono::ceil<std::chrono::hours>(config.custody.keep_delivered);
    queue_options.ledger_age = std::chrono::ceil<std::chrono::hours>(config.custody.ledger_age);
    if (config.web.store_answer == config::StoreAnswer::delivered) {
        delivery_watch =
            std::make_unique<custody::DeliveryWatch>(loop, config.web.store_wait + longest_request);
        queue_options.changed = [watch = delivery_watch.get()](const auto& changes) {
            watch->changed(changes);
        };
    }
    auto reconciled = custody::DeliveryQueue::open(std::move(queue_options), *spool, clock, loop);
    if (!reconciled)
        return reconciled.error();
    queue = std::move(*reconciled);
    return {};
}

Result<void> Service::State::open_origins()
{
    if (auto ready = dimse::initialise(); !ready)
        return ready.error();
    for (const config::Origin& configured : config.origins) {
        auto opened = Destination::open(configured, ground());
        if (!opened)
            return Error{
                opened.error().code, "origin " + configured.name + ": " + opened.error().detail
            };
        destinations.push_back(std::move(*opened));
    }
    for (const std::string& name : store_destinations(config)) {
        custody::DeliveryRunner& runner = destination(name)->deliver(*queue, *spool, ground());
        runner.on_outcome([this](const StoreOutcome& outcome, const custody::Delivery& delivery) {
            metrics.attempted(delivery.destination, outcome, delivery.instance.envelope.length);
        });
    }
    return {};
}

Result<void> Service::State::open_dimse()
{
    inbound.emplace("association", config.dimse.acceptor.max_associations);
    dimse_face = std::make_unique<faces::DimseFace>(face_options(config), *spool, *queue);
    dimse_face->receive_moves(arrivals);
    if (auto opened = open_queries(); !opened)
        return opened;
    dimse_face->on_stored([this](const faces::StoreObservation& stored) {
        metrics.received(
            "dimse", stored.calling.str(), fmt::format("{:04X}", stored.status), stored.bytes
        );
    });
    dimse_face->on_association([this](const faces::AssociationObservation& seen) {
        if (seen.refusal)
            metrics.association_rejected(dimse::to_string(*seen.refusal));
        else
            metrics.association_accepted(seen.calling.str());
    });
    listener =
        std::make_unique<dimse::Listener>(loop, config.dimse.acceptor, *inbound, *dimse_face);
    for (const dimse::ListenAddress& address : config.dimse.acceptor.listen) {
        auto bound = bind(loop, address.host, address.port);
        if (!bound)
            return bound.error();
        listening["dimse"].push_back(address_text(bound->local_endpoint()));
        dimse_acceptors.push_back(std::move(*bound));
    }
    return {};
}

Result<void> Service::State::open_queries()
{
    if (Origin* asked = routed_to(config.routes.dimse.find)) {
        find = std::make_unique<faces::FindService>(find_options(config), *asked);
        dimse_face->answer_find(*find);
    }
    Origin* source = routed_to(config.routes.dimse.retrieve);
    if (source == nullptr)
        return {};
    auto open = faces::store_opener(requestor_options(config), outbound);
    faces::Retrieval::Means means{loop, *source, std::move(open), disk, transcoders};
    retrieval = std::make_unique<faces::Retrieval>(retrieval_options(config), std::move(means));
    dimse_face->answer_retrieve([this](
                                    dimse::AssociationInfo peer,
                                    dimse::RetrieveRequest request,
                                    dimse::RetrieveSession& session
                                ) {
        return retrieval->run(std::move(peer), std::move(request), session);
    });
    return {};
}

Result<void> Service::State::listen(
    web::Server& server, const std::string& face, const std::vector<web::ListenAddress>& where
)
{
    for (const web::ListenAddress& address : where) {
        auto bound = bind(loop, address.host, address.port);
        if (!bound)
            return bound.error();
        listening[face].push_back(address_text(bound->local_endpoint()));
        web_acceptors.emplace_back(&server, std::move(*bound));
    }
    return {};
}

/// Only where something far is to be kept.
Result<void> Service::State::open_cache()
{
    const auto far = [this](const std::string& name) {
        return destination(name)->local() == nullptr;
    };
    if (config.cache.max_size.count == 0 || std::ranges::none_of(config.routes.web.retrieve, far))
        return {};
    auto opened = InstanceCache::open(cache_options(config), disk, clock);
    if (!opened)
        return Error{opened.error().code, "cache: " + opened.error().detail};
    cache = std::move(*opened);
    fetches.emplace(loop, "fetches");
    return {};
}

Result<void> Service::State::open_web()
{
    const config::FaceRoutes& routes = config.routes.web;
    faces::WebTargets targets;
    targets.find = routed_to(routes.find);
    if (auto opened = open_cache(); !opened)
        return opened;
    targets.retrieve = cached_route(routes.retrieve);
    LocalOrigin* only_local =
        routes.store.size() == 1 ? destination(routes.store[0])->local() : nullptr;
    if (only_local != nullptr)
        intake = faces::archive_intake(*only_local, disk);
    else if (!routes.store.empty())
        intake = faces::custody_intake(
            *spool, *queue, disk, routes.store, {delivery_watch.get(), config.web.store_wait}
        );
    targets.store = intake.get();

    faces::WebFaceOptions options;
    options.root = config.web.root;
    options.scratch = scratch();
    faces::WebPools pools{disk, transcoders};
    web_face = std::make_unique<faces::WebFace>(std::move(options), targets, pools);
    web_face->register_routes(web_router);
    const auto open =
        [this](const char* face, const web::ServerOptions& server_options) -> Result<void> {
        web_servers.push_back(std::make_unique<web::Server>(loop, server_options, web_router));
        return listen(*web_servers.back(), face, server_options.listen);
    };
    if (auto opened = open("web", config.web.plain); !opened)
        return opened;
    return config.web.secure ? open("web_tls", *config.web.secure) : Result<void>{};
}

Result<void> Service::State::open_admin()
{
    operation::AdminSources sources;
    sources.status = [this] { return status(); };
    sources.not_ready = [this] { return not_ready(); };
    operation::add_admin_routes(admin_router, std::move(sources), metrics);
    web::ServerOptions options;
    options.listen = {config.admin.listen};
    admin_server = std::make_unique<web::Server>(loop, options, admin_router);
    return listen(*admin_server, "admin", options.listen);
}

Result<void> Service::State::open_control()
{
    operation::add_queue_commands(commands, *queue, *spool, disk);
    operation::add_status_command(commands, [this] { return status(); });
    control =
        std::make_unique<operation::ControlServer>(loop, commands, operation::ControlLimits{});
    auto bound = operation::listen_control(loop, config.control_socket());
    if (!bound)
        return bound.error();
    control_acceptor.emplace(std::move(*bound));
    return write_listening(config.state_dir / "listening.json", listening);
}

} // namespace gantry
