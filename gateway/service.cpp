#include "gateway/service.h"

#include "dimse/listener.h"
#include "gateway/destination.h"
#include "gateway/error.h"
#include "gateway/face_options.h"
#include "gateway/faces/dimse_face.h"
#include "gateway/faces/dimse_find.h"
#include "gateway/faces/dimse_retrieve.h"
#include "gateway/faces/web_face.h"
#include "gateway/faces/web_intake.h"
#include "gateway/listening.h"
#include "gateway/loop/task_group.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/operation/admin_routes.h"
#include "gateway/operation/control.h"
#include "gateway/operation/metrics.h"
#include "gateway/operation/queue_commands.h"
#include "gateway/operation/service_notify.h"
#include "gateway/operation/status.h"
#include "gateway/origins/origin_group.h"
#include "gateway/origins/wado_room.h"
#include "mapping/vocabulary/transfer_syntax.h"
#include "web/server.h"

#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <thread>
#include <utility>

namespace gantry {

namespace {

// Reads of the spool, writes of the archive: each waits for the disk, not for another.
constexpr std::size_t disk_threads = 16;

// Associations that we hold at once, to all move destinations together.
constexpr std::size_t outbound_associations = 32;

constexpr std::chrono::milliseconds drain_poll{50};

// Slots that are written ahead: a study that comes in after a quiet time finds its blocks
// allocated.
constexpr Bytes prepared_slots{128ULL << 20U};

} // namespace

struct Service::State {
    State(const Config& c, asio::any_io_executor l) : config(c), loop(std::move(l)) {}

    Config config;
    asio::any_io_executor loop;
    SystemClock clock;
    WallTime started = clock.wall();
    operation::Metrics metrics;
    WorkerPool disk{"disk", disk_threads};
    std::shared_ptr<MemoryBudget> retrieve_memory =
        std::make_shared<MemoryBudget>(gantry::retrieve_memory);
    std::optional<WorkerPool> inbound;
    std::unique_ptr<custody::Spool> spool;
    std::unique_ptr<custody::DeliveryQueue> queue;
    std::vector<std::unique_ptr<Destination>> destinations;
    std::vector<std::unique_ptr<OriginGroup>> groups;
    std::unique_ptr<faces::FindService> find;
    WorkerPool outbound{"outbound", outbound_associations};
    WorkerPool transcoders{"transcode", std::max(1U, std::thread::hardware_concurrency())};
    std::unique_ptr<faces::Retrieval> retrieval;
    std::unique_ptr<faces::DimseFace> dimse_face;
    std::unique_ptr<dimse::Listener> listener;
    std::unique_ptr<faces::Intake> intake;
    std::unique_ptr<faces::WebFace> web_face;
    web::Router web_router;
    web::Router admin_router;
    std::vector<std::unique_ptr<web::Server>> web_servers;
    std::unique_ptr<web::Server> admin_server;
    operation::ControlCommands commands;
    std::unique_ptr<operation::ControlServer> control;
    Listening listening;
    bool draining = false;

    std::vector<asio::ip::tcp::acceptor> dimse_acceptors;
    std::vector<std::pair<web::Server*, asio::ip::tcp::acceptor>> web_acceptors;
    std::optional<asio::local::stream_protocol::acceptor> control_acceptor;

    std::optional<TaskGroup> faces_tasks;    // accept connections: first to end
    std::optional<TaskGroup> delivery_tasks; // send what is queued
    std::optional<TaskGroup> other_tasks;    // control socket, watchdog, admin: last to end

    Ground ground()
    {
        return {loop, clock, disk, config.state_dir, config.custody.min_free, retrieve_memory};
    }

    std::filesystem::path scratch() const { return config.state_dir / "scratch"; }

    Destination* destination(const std::string& name)
    {
        const auto found = std::ranges::find(destinations, name, &Destination::name);
        return found == destinations.end() ? nullptr : found->get();
    }

    /// What a route of one or several names leads to; nullptr for none.
    Origin* routed_to(const std::vector<std::string>& names)
    {
        std::vector<Origin*> origins;
        for (const std::string& name : names)
            origins.push_back(&destination(name)->origin());
        if (origins.size() > 1)
            origins = {groups.emplace_back(std::make_unique<OriginGroup>(origins)).get()};
        return origins.empty() ? nullptr : origins.front();
    }

    Result<void> open_state();
    Result<void> open_origins();
    Result<void> open_dimse();
    Result<void> open_queries();
    Result<void> open_web();
    Result<void> open_admin();
    Result<void> open_control();
    Result<void> listen(
        web::Server& server, const std::string& face, const std::vector<web::ListenAddress>& where
    );
    std::optional<std::string> not_ready() const;
    asio::awaitable<Result<operation::StatusReport>> status();
};

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
    auto reconciled = custody::DeliveryQueue::open(std::move(queue_options), *spool, clock, loop);
    if (!reconciled)
        return reconciled.error();
    queue = std::move(*reconciled);
    return {};
}

Result<void> Service::State::open_origins()
{
    for (const config::Origin& configured : config.origins) {
        if (configured.kind == config::Origin::Kind::dimse)
            continue; // nothing is routed to it: not_offered()
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
    if (auto ready = dimse::initialise(); !ready)
        return ready.error();
    inbound.emplace("association", config.dimse.acceptor.max_associations);
    dimse_face = std::make_unique<faces::DimseFace>(face_options(config), *spool, *queue);
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

Result<void> Service::State::open_web()
{
    const config::FaceRoutes& routes = config.routes.web;
    faces::WebTargets targets;
    targets.find = routed_to(routes.find);
    targets.retrieve = routed_to(routes.retrieve);
    LocalOrigin* only_local =
        routes.store.size() == 1 ? destination(routes.store[0])->local() : nullptr;
    if (only_local != nullptr)
        intake = faces::archive_intake(*only_local, disk);
    else if (!routes.store.empty())
        intake = faces::custody_intake(*spool, *queue, disk, routes.store);
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

std::optional<std::string> Service::State::not_ready() const
{
    if (draining)
        return "shutting down";
    if (!spool->accepting())
        return "not enough free space in the spool";
    if (const auto room = queue->admit(); !room)
        return room.error().text();
    return std::nullopt;
}

asio::awaitable<Result<operation::StatusReport>> Service::State::status()
{
    constexpr std::size_t shown = 50;
    operation::StatusReport report;
    report.now = clock.wall();
    report.started = started;
    report.ae_title = config.dimse.acceptor.ae_title.str();
    auto summaries = co_await queue->summary();
    if (!summaries)
        co_return summaries.error();
    for (custody::DestinationSummary& summary : *summaries) {
        operation::DestinationStatus row;
        Destination* known = destination(summary.destination);
        if (known != nullptr) {
            row.reached_by = known->reached_by();
            if (known->runner() != nullptr)
                row.delivery = known->runner()->status();
        }
        row.queue = std::move(summary);
        report.destinations.push_back(std::move(row));
    }
    auto studies = co_await queue->studies(std::nullopt, shown);
    if (!studies)
        co_return studies.error();
    report.studies = std::move(*studies);
    for (const auto state : {custody::DeliveryState::failed, custody::DeliveryState::quarantined}) {
        custody::QueueFilter filter;
        filter.state = state;
        filter.limit = shown;
        auto rows = co_await queue->list(std::move(filter));
        if (!rows)
            co_return rows.error();
        std::ranges::move(*rows, std::back_inserter(report.troubles));
    }
    report.associations = listener->associations();
    report.pending_connections = listener->pending();
    for (const auto& server : web_servers)
        report.http_connections += server->connections();
    report.spool_used = spool->used();
    report.spool_free = spool->free_space();
    report.accepting = !not_ready();
    co_return report;
}

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}

Service::~Service() = default;

Result<std::unique_ptr<Service>> Service::start(const Config& config, asio::any_io_executor loop)
{
    ::umask(
        S_IRWXG | S_IRWXO
    ); // state is for gantry alone; the control socket says otherwise by itself
    auto state = std::make_unique<State>(config, std::move(loop));
    using Step = Result<void> (State::*)();
    for (const Step step :
         {&State::open_state,
          &State::open_origins,
          &State::open_dimse,
          &State::open_web,
          &State::open_admin,
          &State::open_control})
        if (auto done = (state.get()->*step)(); !done)
            return done.error();
    return std::unique_ptr<Service>(new Service(std::move(state)));
}

void Service::run()
{
    State& s = *state_;
    s.faces_tasks.emplace(s.loop, "faces");
    s.delivery_tasks.emplace(s.loop, "deliveries");
    s.other_tasks.emplace(s.loop, "operation");
    for (auto& acceptor : s.dimse_acceptors)
        s.faces_tasks->spawn(s.listener->serve(std::move(acceptor)));
    for (auto& [server, acceptor] : s.web_acceptors)
        (server == s.admin_server.get() ? s.other_tasks : s.faces_tasks)
            ->spawn(server->serve(std::move(acceptor)));
    for (const auto& destination : s.destinations)
        if (destination->runner() != nullptr)
            s.delivery_tasks->spawn(destination->runner()->run());
    s.other_tasks->spawn(s.control->serve(std::move(*s.control_acceptor)));
    s.other_tasks->spawn(operation::feed_watchdog());
    operation::notify_ready();
    for (const auto& [face, addresses] : s.listening)
        for (const std::string& address : addresses)
            spdlog::info("listening face={} address={}", face, address);
}

asio::awaitable<void> Service::drain()
{
    State& s = *state_;
    s.draining = true;
    s.faces_tasks->cancel(); // no more is accepted
    s.listener->drain();
    for (const auto& server : s.web_servers)
        server->drain();
    asio::steady_timer pause(s.loop);
    const auto busy = [&s] {
        const auto connected = [](const auto& server) { return server->connections() > 0; };
        return s.listener->associations() > 0 || std::ranges::any_of(s.web_servers, connected);
    };
    while (busy()) {
        pause.expires_after(drain_poll);
        co_await pause.async_wait(asio::use_awaitable);
    }
    for (const auto& destination : s.destinations)
        if (destination->runner() != nullptr)
            co_await destination->runner()->drain();
}

asio::awaitable<void> Service::stop()
{
    State& s = *state_;
    s.draining = true;
    s.faces_tasks->cancel();
    co_await s.listener->stop();
    s.delivery_tasks->cancel();
    co_await s.delivery_tasks->drained();
    for (const auto& server : s.web_servers)
        co_await server->stop();
    co_await s.faces_tasks->drained();
    s.other_tasks->cancel();
    co_await s.admin_server->stop();
    co_await s.control->stop();
    co_await s.other_tasks->drained();
}

void Service::close()
{
    State& s = *state_;
    s.inbound->stop();
    s.inbound->join();
    for (WorkerPool* pool : {&s.outbound, &s.transcoders}) {
        pool->stop();
        pool->join();
    }
    s.queue->close();
    s.disk.stop();
    s.disk.join();
    std::error_code ignored;
    std::filesystem::remove(s.config.state_dir / "listening.json", ignored);
}

} // namespace gantry
