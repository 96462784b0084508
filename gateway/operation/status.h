// What gantry is doing now, as one value: for the page, for `gantry status`, for the gauges of the
// metrics. Holds UIDs and AE titles, never patient data.
#pragma once

#include "gateway/custody/delivery.h"
#include "gateway/custody/queue.h"
#include "gateway/loop/asio.h"
#include "gateway/loop/clock.h"
#include "mapping/vocabulary/bytes.h"

#include <boost/json/object.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gantry::operation {

struct DestinationStatus {
    custody::DestinationSummary queue;
    custody::DeliveryStatus delivery;
    std::string reached_by; // "https://pacs.example.org/dicom-web", "OLDPACS", "this machine"
};

struct StatusReport {
    WallTime now;
    WallTime started;
    std::string ae_title;
    std::vector<DestinationStatus> destinations;
    std::vector<custody::StudySummary> studies; // the last received
    std::vector<custody::QueueRow> troubles;    // failed and quarantined
    std::size_t associations = 0;
    std::size_t pending_connections = 0;
    std::size_t http_connections = 0;
    Bytes spool_used;
    Bytes spool_free;
    bool accepting = true; // stores are taken

    /// What is kept of what far origins gave. Nothing: no cache.
    struct Cache {
        Bytes size;
        std::uint64_t hits = 0; // instances given, since the start
        std::uint64_t misses = 0;
        std::uint64_t evicted = 0;
    };

    std::optional<Cache> cache = {};
};

/// Loop. Draws on the queue, so that it waits.
using StatusSource = std::function<asio::awaitable<Result<StatusReport>>()>;

/// For `gantry status --json`.
boost::json::object status_json(const StatusReport& report);

/// For a terminal.
std::string status_text(const boost::json::object& status);

/// The page at "/": complete HTML without scripts, everything escaped.
std::string status_page(const StatusReport& report);

/// "2026-11-22T11:35:33Z".
std::string iso_time(WallTime time);

} // namespace gantry::operation
