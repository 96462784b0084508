#include "gateway/operation/metrics.h"
#include "gateway/operation/status.h"

#include <doctest/doctest.h>

#include <string>

using namespace gantry;
using namespace gantry::operation;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, const std::string& line)
{
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

StoreOutcome outcome(StoreOutcome::Kind kind, std::uint16_t reason = 0)
{
    StoreOutcome out;
    out.kind = kind;
    out.reason = reason;
    return out;
}

} // namespace

TEST_CASE("what comes in is counted by who sent it and what it was told")
{
    Metrics metrics;
    metrics.received("dimse", "CT1", "0000", Bytes{1000});
    metrics.received("dimse", "CT1", "0000", Bytes{500});
    metrics.received("dimse", "CT1", "A700", Bytes{0});
    const std::string text = metrics.text();
    CHECK(has(
        text, R"(gantry_received_instances_total{calling_ae="CT1",face="dimse",status="0000"} 2)"
    ));
    CHECK(has(
        text, R"(gantry_received_instances_total{calling_ae="CT1",face="dimse",status="A700"} 1)"
    ));
    CHECK(has(text, R"(gantry_received_bytes_total{calling_ae="CT1",face="dimse"} 1500)"));
}

TEST_CASE("attempts are counted by destination, end and reason")
{
    struct Row {
        StoreOutcome outcome;
        const char* result;
        const char* reason;
    };

    using Kind = StoreOutcome::Kind;
    const Row rows[] = {
        {outcome(Kind::stored), "delivered", "stored"},
        {outcome(Kind::stored_changed, 0xb000), "delivered", "B000"},
        {outcome(Kind::already_there), "delivered", "already_there"},
        {outcome(Kind::transient), "deferred", "transient"},
        {outcome(Kind::limited), "deferred", "limited"},
        {outcome(Kind::unavailable), "deferred", "unavailable"},
        {outcome(Kind::conflict), "quarantined", "conflict"},
        {outcome(Kind::damaged), "quarantined", "damaged"},
        {outcome(Kind::refused, 0xa900), "failed", "A900"},
    };
    Metrics metrics;
    for (const Row& row : rows)
        metrics.attempted("cloud", row.outcome, Bytes{10});
    const std::string text = metrics.text();
    for (const Row& row : rows) {
        CAPTURE(std::string(row.reason));
        CHECK(
            has(text,
                std::string(R"(gantry_delivery_attempts_total{destination="cloud",reason=")") +
                    row.reason + R"(",result=")" + row.result + "\"} 1")
        );
    }
    CHECK(has(text, R"(gantry_delivered_bytes_total{destination="cloud"} 30)"));
}

TEST_CASE("calling AE titles without end do not fill the memory")
{
    Metrics metrics;
    for (int i = 0; i < 1000; ++i)
        metrics.association_accepted("AE" + std::to_string(i));
    const std::string text = metrics.text();
    CHECK(has(text, R"(gantry_associations_accepted_total{calling_ae="AE0"} 1)"));
    CHECK(has(text, R"(gantry_associations_accepted_total{calling_ae="other"} 800)"));
}

TEST_CASE("flushes are a histogram in seconds")
{
    Metrics metrics;
    metrics.flushed(1500us);
    metrics.flushed(30ms);
    const std::string text = metrics.text();
    CHECK(has(text, R"(gantry_flush_seconds_bucket{le="0.002"} 1)"));
    CHECK(has(text, "gantry_flush_seconds_count 2"));
}

TEST_CASE("the gauges show the queue, the spool and the associations")
{
    StatusReport report;
    report.now = WallTime(100s);
    report.associations = 3;
    report.spool_free = Bytes{4096};
    report.accepting = false;
    DestinationStatus cloud;
    cloud.queue.destination = "cloud";
    cloud.queue.deferred = 7;
    cloud.queue.oldest = WallTime(40s);
    cloud.delivery.suspended = true;
    report.destinations = {cloud};
    Metrics metrics;
    metrics.observe(report);
    std::string text = metrics.text();
    CHECK(has(text, R"(gantry_queue_instances{destination="cloud",state="deferred"} 7)"));
    CHECK(has(text, R"(gantry_queue_oldest_seconds{destination="cloud"} 60)"));
    CHECK(has(text, R"(gantry_destination_suspended{destination="cloud"} 1)"));
    CHECK(has(text, "gantry_associations 3"));
    CHECK(has(text, R"(gantry_spool_bytes{kind="free"} 4096)"));
    CHECK(has(text, "gantry_accepting 0"));
    report.destinations[0].queue.deferred = 0;
    report.destinations[0].queue.oldest.reset();
    metrics.observe(report);
    text = metrics.text();
    CHECK(has(text, R"(gantry_queue_instances{destination="cloud",state="deferred"} 0)"));
    CHECK(has(text, R"(gantry_queue_oldest_seconds{destination="cloud"} 0)"));
}

TEST_CASE("the cache counts hits and misses from scrape to scrape")
{
    StatusReport report;
    Metrics metrics;
    metrics.observe(report);
    CHECK_FALSE(has(metrics.text(), "gantry_cache_bytes 0"));
    report.cache = {.size = Bytes{4096}, .hits = 5, .misses = 2, .evicted = 1};
    metrics.observe(report);
    report.cache->hits = 9;
    metrics.observe(report);
    const std::string text = metrics.text();
    CHECK(has(text, "gantry_cache_bytes 4096"));
    CHECK(has(text, R"(gantry_cache_instances_total{result="hit"} 9)"));
    CHECK(has(text, R"(gantry_cache_instances_total{result="miss"} 2)"));
    CHECK(has(text, R"(gantry_cache_instances_total{result="evicted"} 1)"));
}
