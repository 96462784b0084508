#include "gateway/operation/queue_commands.h"
#include "gateway/operation/status.h"

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include <string>

using namespace gantry;
using namespace gantry::operation;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

StatusReport report()
{
    StatusReport status;
    status.now = WallTime(1'800'000'000s);
    status.started = WallTime(1'799'990'000s);
    status.ae_title = "GANTRY";
    status.associations = 2;
    status.spool_used = Bytes{5ULL << 20U};
    status.spool_free = Bytes{100ULL << 30U};
    DestinationStatus cloud;
    cloud.queue.destination = "cloud";
    cloud.queue.delivered = 412;
    cloud.reached_by = "https://pacs.example.org/dicom-web";
    DestinationStatus old = cloud;
    old.queue.destination = "old";
    old.queue.deferred = 7;
    old.queue.last_error = "connection refused";
    old.delivery.suspended = true;
    old.delivery.reason = "503 <busy> & \"tired\"";
    status.destinations = {cloud, old};
    return status;
}

custody::StudySummary study(std::uint64_t received, std::uint64_t delivered, std::uint64_t failed)
{
    custody::StudySummary summary;
    summary.study = Uid::parse("1.2.840.1").value();
    summary.received = received;
    custody::DestinationSummary cloud;
    cloud.destination = "cloud";
    cloud.delivered = delivered;
    cloud.failed = failed;
    cloud.queued = received - delivered - failed;
    summary.destinations = {cloud};
    return summary;
}

} // namespace

TEST_CASE("the page says that 412 of 412 images arrived")
{
    StatusReport status = report();
    status.studies = {study(412, 412, 0)};
    const std::string page = status_page(status);
    CHECK(has(page, "412 of 412 images arrived at cloud"));
    CHECK(has(page, "<span class=\"good\">412 of 412"));
    CHECK(has(page, "1.2.840.1"));
    CHECK(has(page, "Takes new images."));
}

TEST_CASE("the page shows what is waiting, and what needs a person")
{
    StatusReport status = report();
    status.accepting = false;
    status.studies = {study(10, 7, 0), study(10, 9, 1)};
    custody::QueueRow row;
    row.id = 17;
    row.destination = "cloud";
    row.state = custody::DeliveryState::failed;
    row.last_error = "A900";
    row.key.sop.sop_instance = Uid::parse("1.2.3.4").value();
    status.troubles = {row};
    const std::string page = status_page(status);
    CHECK(has(page, "<span class=\"wait\">7 of 10 images arrived at cloud"));
    CHECK(has(page, "<span class=\"bad\">9 of 10 images arrived at cloud, 1 need a person"));
    CHECK(has(page, "Refuses new images."));
    CHECK(has(page, "What needs a person"));
    CHECK(has(page, "1.2.3.4"));
    CHECK_FALSE(has(status_page(report()), "What needs a person"));
}

TEST_CASE("what others wrote cannot become part of the page")
{
    StatusReport status = report();
    status.destinations[0].queue.last_error = "<script>alert('x')</script>";
    status.destinations[0].queue.destination = "a\"b";
    const std::string page = status_page(status);
    CHECK_FALSE(has(page, "<script"));
    CHECK(has(page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    CHECK(has(page, "a&quot;b"));
    CHECK(has(page, "503 &lt;busy&gt; &amp; &quot;tired&quot;"));
}

TEST_CASE("the status for a terminal names each destination and its condition")
{
    const std::string text = status_text(status_json(report()));
    CHECK(has(text, "gantry GANTRY, running since 2027-01-15T05:13:20Z"));
    CHECK(has(text, "Takes new images; 2 associations; spool 5 MiB, free 102400 MiB"));
    CHECK(has(text, "cloud (https://pacs.example.org/dicom-web): working"));
    CHECK(has(text, "412 delivered, 0 queued\n"));
    CHECK(has(text, "old (https://pacs.example.org/dicom-web): does not answer since"));
    CHECK(has(text, "412 delivered, 0 queued, 7 deferred"));
    CHECK(has(text, "last error: connection refused"));
}

TEST_CASE("the status is JSON with the figures of every destination")
{
    const auto status = status_json(report());
    CHECK(status.at("accepting").as_bool());
    const auto& old = status.at("destinations").at(1).as_object();
    CHECK(old.at("deferred").to_number<int>() == 7);
    CHECK(old.at("suspended").as_bool());
    CHECK(status.at("destinations").at(0).at("suspended_since").is_null());
}

TEST_CASE("times are ISO 8601 in UTC")
{
    CHECK(iso_time(WallTime(0s)) == "1970-01-01T00:00:00Z");
    CHECK(iso_time(WallTime(1'800'000'000'999ms)) == "2027-01-15T08:00:00Z");
}
