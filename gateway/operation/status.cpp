#include "gateway/operation/status.h"

#include "gateway/operation/queue_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <ctime>

namespace gantry::operation {

namespace json = boost::json;

namespace {

json::object destination_json(const DestinationStatus& status)
{
    const custody::DestinationSummary& q = status.queue;
    const custody::DeliveryStatus& d = status.delivery;
    return {
        {"destination", q.destination},
        {"reached_by", status.reached_by},
        {"held", q.held},
        {"suspended", d.suspended},
        {"suspended_since", d.suspended ? json::value(iso_time(d.suspended_since)) : json::value()},
        {"next_probe", d.suspended ? json::value(iso_time(d.next_probe)) : json::value()},
        {"reason", d.reason},
        {"queued", q.queued},
        {"sending", q.sending},
        {"deferred", q.deferred},
        {"delivered", q.delivered},
        {"failed", q.failed},
        {"quarantined", q.quarantined},
        {"held_instances", q.held_rows},
        {"oldest", q.oldest ? json::value(iso_time(*q.oldest)) : json::value()},
        {"last_error", q.last_error},
        {"requests_in_flight", d.in_flight},
        {"requests_allowed", d.window},
    };
}

std::string text_of(const json::object& object, std::string_view key)
{
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || value->is_null())
        return "";
    if (value->is_string())
        return std::string(value->as_string());
    if (value->is_bool())
        return value->as_bool() ? "yes" : "no";
    return std::to_string(value->to_number<std::int64_t>());
}

/// One sentence on a destination that an operator takes in at a glance.
std::string condition_of(const json::object& destination)
{
    if (text_of(destination, "held") == "yes")
        return "held by an operator";
    if (text_of(destination, "suspended") == "yes")
        return "does not answer since " + text_of(destination, "suspended_since") + ": " +
               text_of(destination, "reason");
    return "working";
}

std::string destination_text(const json::object& d)
{
    std::string out = "  " + text_of(d, "destination") + " (" + text_of(d, "reached_by") +
                      "): " + condition_of(d) + "\n    ";
    const char* separator = "";
    for (const std::string_view key :
         {"delivered", "sending", "queued", "deferred", "held_instances", "failed", "quarantined"
         }) {
        const std::string count = text_of(d, key);
        if (count == "0" && key != "delivered" && key != "queued")
            continue;
        out += separator + count + " " +
               (key == "held_instances" ? std::string("held") : std::string(key));
        separator = ", ";
    }
    if (const std::string oldest = text_of(d, "oldest"); !oldest.empty())
        out += "; oldest not delivered: " + oldest;
    if (const std::string last = text_of(d, "last_error"); !last.empty())
        out += "\n    last error: " + last;
    return out + "\n";
}

std::string mebibytes(const json::object& object, std::string_view key)
{
    const json::value* const value = object.if_contains(key);
    const std::int64_t bytes = value == nullptr ? 0 : value->to_number<std::int64_t>();
    return std::to_string(bytes >> 20U) + " MiB";
}

} // namespace

std::string iso_time(WallTime time)
{
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text.data(), size};
}

json::object status_json(const StatusReport& report)
{
    json::array destinations;
    for (const DestinationStatus& each : report.destinations)
        destinations.push_back(destination_json(each));
    json::array studies;
    for (const custody::StudySummary& each : report.studies)
        studies.push_back(study_json(each));
    json::array troubles;
    for (const custody::QueueRow& each : report.troubles)
        troubles.push_back(row_json(each));
    return {
        {"now", iso_time(report.now)},
        {"started", iso_time(report.started)},
        {"ae_title", report.ae_title},
        {"accepting", report.accepting},
        {"associations", report.associations},
        {"pending_connections", report.pending_connections},
        {"http_connections", report.http_connections},
        {"spool_used_bytes", report.spool_used.count},
        {"spool_free_bytes", report.spool_free.count},
        {"destinations", std::move(destinations)},
        {"studies", std::move(studies)},
        {"troubles", std::move(troubles)},
    };
}

std::string status_text(const json::object& status)
{
    std::string out = "gantry " + text_of(status, "ae_title") + ", running since " +
                      text_of(status, "started") + "\n";
    out += text_of(status, "accepting") == "yes" ? "Takes new images" : "REFUSES new images";
    out += "; " + text_of(status, "associations") + " associations; spool " +
           mebibytes(status, "spool_used_bytes") + ", free " +
           mebibytes(status, "spool_free_bytes") + "\n";
    const json::value* const destinations = status.if_contains("destinations");
    if (destinations != nullptr && destinations->is_array() && !destinations->as_array().empty()) {
        out += "Destinations:\n";
        for (const json::value& each : destinations->as_array())
            out += destination_text(each.as_object());
    }
    return out;
}

} // namespace gantry::operation
