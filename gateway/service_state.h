// What a running service holds, and in which order it dies. Internal to service*.cpp: opened in
// service_open.cpp, run and ended in service.cpp, told of in service_status.cpp.
#pragma once

#include "dimse/listener.h"
#include "gateway/custody/delivery_watch.h"
#include "gateway/destination.h"
#include "gateway/faces/dimse_face.h"
#include "gateway/faces/dimse_find.h"
#include "gateway/faces/dimse_retrieve.h"
#include "gateway/faces/web_face.h"
#include "gateway/faces/web_intake.h"
#include "gateway/listening.h"
#include "gateway/loop/task_group.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/operation/control.h"
#include "gateway/operation/metrics.h"
#include "gateway/operation/status.h"
#include "gateway/origins/cached_origin.h"
#include "gateway/origins/move_arrivals.h"
#include "gateway/origins/origin_group.h"
#include "gateway/origins/wado_room.h"
#include "gateway/service.h"
#include "web/server.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace gantry {

// Reads of the spool, writes of the archive: each waits for the disk, not for another.
inline constexpr std::size_t disk_threads = 16;

// Associations that we hold at once, to all peers together.
inline constexpr std::size_t outbound_associations = 64;

struct Service::State {
    State(const Config& c, asio::any_io_executor l) : config(c), loop(std::move(l)) {}

    Config config;
    asio::any_io_executor loop;
    SystemClock clock;
    WallTime started = clock.wall();
    operation::Metrics metrics;
    WorkerPool disk{"disk", disk_threads};
    WorkerPool outbound{"outbound", outbound_associations};
    WorkerPool transcoders{"transcode", std::max(1U, std::thread::hardware_concurrency())};
    MoveArrivals arrivals{config.dimse.acceptor.ae_title};
    std::shared_ptr<MemoryBudget> retrieve_memory =
        std::make_shared<MemoryBudget>(gantry::retrieve_memory);
    std::optional<WorkerPool> inbound;
    std::unique_ptr<InstanceCache> cache; // null: nothing is kept
    std::unique_ptr<custody::Spool> spool;
    std::unique_ptr<custody::DeliveryWatch> delivery_watch; // null: nobody waits for deliveries
    std::unique_ptr<custody::DeliveryQueue> queue;
    std::vector<std::unique_ptr<Destination>> destinations;
    std::vector<std::unique_ptr<OriginGroup>> groups;
    std::optional<TaskGroup> fetches; // of the cache; drained before what it fetches for goes
    std::map<std::string, std::unique_ptr<CachedOrigin>> cached; // by the origin's name
    std::unique_ptr<faces::FindService> find;
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
        return {
            .loop = loop,
            .config = config,
            .clock = clock,
            .disk = disk,
            .outbound = outbound,
            .transcoders = transcoders,
            .arrivals = arrivals,
            .retrieve_memory = retrieve_memory
        };
    }

    std::filesystem::path scratch() const { return config.state_dir / "scratch"; }

    Destination* destination(const std::string& name)
    {
        const auto found = std::ranges::find(destinations, name, &Destination::name);
        return found == destinations.end() ? nullptr : found->get();
    }

    /// What a route of one or several names leads to; nullptr for none.
    Origin* routed_to(const std::vector<std::string>& names);
    /// The same for what viewers retrieve: what is far is kept here for a while.
    Origin* cached_route(const std::vector<std::string>& names);

    Result<void> open_state();
    Result<void> open_origins();
    Result<void> open_dimse();
    Result<void> open_queries();
    Result<void> open_cache();
    Result<void> open_web();
    Result<void> open_admin();
    Result<void> open_control();
    Result<void> listen(
        web::Server& server, const std::string& face, const std::vector<web::ListenAddress>& where
    );
    std::optional<std::string> not_ready() const;
    asio::awaitable<Result<operation::StatusReport>> status();
};

} // namespace gantry
