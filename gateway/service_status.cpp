// What a service says of itself: to the admin page, to the control socket, to systemd. Runs on the
// loop.
#include "gateway/service_state.h"

namespace gantry {

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
    if (cache) {
        const CacheCounters counted = cache->counters();
        report.cache = {cache->size(), counted.hits, counted.misses, counted.evicted};
    }
    co_return report;
}

} // namespace gantry
