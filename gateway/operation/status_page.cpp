// The page at the admin address: plain HTML that any browser in a reading room shows.
#include "gateway/operation/status.h"

#include <string_view>

namespace gantry::operation {

namespace {

constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>gantry</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="10">
<style>
body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #222; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2em; }
th, td { text-align: left; padding: .3em .8em .3em 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td.n, th.n { text-align: right; }
.good { color: #17692f; } .bad { color: #a11; font-weight: bold; } .wait { color: #8a5a00; }
code { font-size: 85%; overflow-wrap: anywhere; }
</style></head><body>
)";

std::string escaped(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\'': out += "&#39;"; break;
        default: out += c;
        }
    }
    return out;
}

std::string cell(std::string_view text)
{
    return "<td>" + escaped(text) + "</td>";
}

std::string number(std::uint64_t count, std::string_view css_class = {})
{
    const bool marked = count > 0 && !css_class.empty();
    return "<td class=\"n" + (marked ? " " + std::string(css_class) : "") + "\">" +
           std::to_string(count) + "</td>";
}

std::string code(std::string_view text)
{
    return "<td><code>" + escaped(text) + "</code></td>";
}

std::string size_text(Bytes bytes)
{
    constexpr std::uint64_t gibi = 1ULL << 30U;
    if (bytes.count >= 10 * gibi)
        return std::to_string(bytes.count / gibi) + " GiB";
    return std::to_string(bytes.count >> 20U) + " MiB";
}

std::string condition_cell(const DestinationStatus& destination)
{
    if (destination.queue.held)
        return "<td class=\"wait\">held by an operator</td>";
    if (!destination.delivery.suspended)
        return "<td class=\"good\">working</td>";
    return "<td class=\"bad\">does not answer since " +
           iso_time(destination.delivery.suspended_since) + ", next try " +
           iso_time(destination.delivery.next_probe) + ": " + escaped(destination.delivery.reason) +
           "</td>";
}

std::string destinations_table(const StatusReport& report)
{
    std::string out =
        "<h2>Destinations</h2>\n<table><tr><th>Name<th>Reached by<th>Condition<th "
        "class=n>Delivered<th class=n>Sending<th class=n>Waiting<th class=n>Failed<th "
        "class=n>Quarantined<th>Oldest not delivered<th>Last error</tr>\n";
    for (const DestinationStatus& each : report.destinations) {
        const custody::DestinationSummary& q = each.queue;
        out += "<tr>" + cell(q.destination) + cell(each.reached_by) + condition_cell(each) +
               number(q.delivered) + number(q.sending) +
               number(q.queued + q.deferred + q.held_rows, "wait") + number(q.failed, "bad") +
               number(q.quarantined, "bad") + cell(q.oldest ? iso_time(*q.oldest) : "") +
               cell(q.last_error) + "</tr>\n";
    }
    return out + "</table>\n";
}

/// "412 of 412 at cloud", for each destination.
std::string arrivals(const custody::StudySummary& study)
{
    std::string out;
    for (const custody::DestinationSummary& each : study.destinations) {
        const std::uint64_t waiting = each.queued + each.sending + each.deferred + each.held_rows;
        const std::uint64_t bad = each.failed + each.quarantined;
        const char* const css = bad > 0 ? "bad" : waiting > 0 ? "wait" : "good";
        out += std::string(out.empty() ? "" : "<br>") + "<span class=\"" + css + "\">" +
               std::to_string(each.delivered) + " of " + std::to_string(study.received) +
               " images arrived at " + escaped(each.destination);
        if (bad > 0)
            out += ", " + std::to_string(bad) + " need a person";
        out += "</span>";
    }
    return "<td>" + out + "</td>";
}

std::string studies_table(const StatusReport& report)
{
    std::string out = "<h2>Last studies</h2>\n<table><tr><th>Study<th>Last image<th class=n>Images"
                      "<th>Arrived</tr>\n";
    for (const custody::StudySummary& each : report.studies)
        out += "<tr>" + code(each.study.str()) + cell(iso_time(each.last_received)) +
               number(each.received) + arrivals(each) + "</tr>\n";
    return out + "</table>\n";
}

std::string troubles_table(const StatusReport& report)
{
    if (report.troubles.empty())
        return "";
    std::string out = "<h2>What needs a person</h2>\n<table><tr><th class=n>Row<th>Instance<th>From"
                      "<th>To<th>State<th class=n>Attempts<th>Reason</tr>\n";
    for (const custody::QueueRow& each : report.troubles)
        out += "<tr>" + number(static_cast<std::uint64_t>(each.id)) +
               code(each.key.sop.sop_instance.str()) + cell(each.calling_ae) +
               cell(each.destination) + cell(custody::to_string(each.state)) +
               number(each.attempts) + cell(each.last_error) + "</tr>\n";
    return out + "</table>\n<p><code>gantry queue show ROW</code> says more, <code>gantry queue "
                 "retry ROW</code> tries again.</p>\n";
}

} // namespace

std::string status_page(const StatusReport& report)
{
    std::string out(head);
    out += "<h1>gantry " + escaped(report.ae_title) + "</h1>\n<p>";
    out += report.accepting ? "<span class=\"good\">Takes new images.</span> "
                            : "<span class=\"bad\">Refuses new images.</span> ";
    out += std::to_string(report.associations) + " associations now. Spool " +
           size_text(report.spool_used) + ", free " + size_text(report.spool_free) +
           ". Running since " + iso_time(report.started) + ", seen at " + iso_time(report.now) +
           ".</p>\n";
    out += destinations_table(report) + troubles_table(report) + studies_table(report);
    return out + "<p><a href=\"/metrics\">metrics</a> <a href=\"/status\">status as JSON</a> <a "
                 "href=\"/readyz\">ready?</a></p></body></html>\n";
}

} // namespace gantry::operation
