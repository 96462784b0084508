#include "gateway/service.h"

#include "gateway/operation/service_notify.h"
#include "gateway/service_state.h"

#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include <sys/stat.h>

namespace gantry {

namespace {

constexpr std::chrono::milliseconds drain_poll{50};

} // namespace

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
    for (const auto& destination : s.destinations) {
        s.other_tasks->spawn(destination->tend());
        if (destination->runner() != nullptr)
            s.delivery_tasks->spawn(destination->runner()->run());
    }
    if (s.cache)
        s.fetches->spawn(s.cache->upkeep());
    s.other_tasks->spawn(s.control->serve(std::move(*s.control_acceptor)));
    s.other_tasks->spawn(operation::feed_watchdog());
    operation::notify_ready();
    for (const auto& [face, addresses] : s.listening)
        for (const std::string& address : addresses)
            spdlog::info("listening face={} address={}", face, address);
}

void Service::reload()
{
    for (const auto& server : state_->web_servers)
        server->reload();
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
    if (s.fetches) {
        s.fetches->cancel();
        co_await s.fetches->drained();
    }
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
