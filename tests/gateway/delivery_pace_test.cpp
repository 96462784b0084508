// How long a destination is left alone, how many batches it gets, and what the queue keeps of an
// answer: tables.
#include "gateway/custody/delivery_pace.h"
#include "gateway/custody/delivery_verdict.h"

#include <doctest/doctest.h>

using namespace gantry;
using namespace gantry::custody;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST_CASE("an instance waits as long again as it has waited, within bounds, after a failed attempt")
{
    struct Row {
        const char* says;
        milliseconds age;
        std::optional<std::chrono::seconds> retry_after;
        double chance;
        milliseconds delay;
    };

    const Row rows[] = {
        {"a fresh one waits the least", 0ms, {}, 0, 5s},
        {"an older one as long again", 60s, {}, 0, 60s},
        {"never longer than the most", 48h, {}, 0, 600s},
        {"a clock set back counts as no age", -5h, {}, 0, 5s},
        {"up to a tenth earlier", 100s, {}, -1, 90s},
        {"up to a tenth later", 100s, {}, 1, 110s},
        {"not before Retry-After", 1s, 30s, 0, 30s},
        {"jitter never undercuts Retry-After", 1s, 30s, -1, 30s},
        {"jitter spreads those told the same", 1s, 30s, 1, 33s},
        {"a Retry-After below our own wait changes nothing", 60s, 1s, 0, 60s},
        {"nobody makes us wait for a year", 1s, std::chrono::seconds(365 * 24h), 0, 1h},
        {"a negative Retry-After says nothing", 1s, -5s, 0, 5s},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        CHECK(retry_delay({5s, 600s}, row.age, row.retry_after, row.chance) == row.delay);
    }
}

TEST_CASE("probes of a destination that is away come twice as late each time, within bounds")
{
    const Backoff backoff{5s, 60s};
    CHECK(probe_delay(backoff, 0, {}, 0) == 5s);
    CHECK(probe_delay(backoff, 1, {}, 0) == 10s);
    CHECK(probe_delay(backoff, 3, {}, 0) == 40s);
    CHECK(probe_delay(backoff, 4, {}, 0) == 60s);
    CHECK(probe_delay(backoff, 4'000'000'000U, {}, 0) == 60s);
    CHECK(probe_delay(backoff, 0, 120s, 0) == 120s);
    CHECK(probe_delay(backoff, 1, {}, -1) == 9s);
}

TEST_CASE("the window rises by one and falls by half, between one and the most")
{
    DeliveryWindow window(4);
    CHECK(window.allowed() == 4);
    window.succeeded();
    CHECK(window.allowed() == 4);
    window.overloaded();
    CHECK(window.allowed() == 2);
    window.overloaded();
    window.overloaded();
    CHECK(window.allowed() == 1);
    window.succeeded();
    CHECK(window.allowed() == 2);
    window.restart();
    CHECK(window.allowed() == 1);
    CHECK(DeliveryWindow(0).allowed() == 1);
}

TEST_CASE("what the queue keeps of each outcome")
{
    using Kind = StoreOutcome::Kind;

    struct Row {
        Kind kind;
        std::uint32_t limited_seen;
        DeliveryState state;
        bool counts;
        milliseconds wait;
    };

    const Row rows[] = {
        {Kind::stored, 0, DeliveryState::delivered, true, 0s},
        {Kind::stored_changed, 0, DeliveryState::delivered, true, 0s},
        {Kind::already_there, 0, DeliveryState::delivered, true, 0s},
        {Kind::transient, 0, DeliveryState::deferred, true, 20s},
        {Kind::limited, 1, DeliveryState::deferred, true, 20s},
        {Kind::limited, 2, DeliveryState::deferred, true, 20s},
        {Kind::limited, 3, DeliveryState::failed, true, 0s},
        {Kind::unavailable, 0, DeliveryState::deferred, false, 0s},
        {Kind::conflict, 0, DeliveryState::quarantined, true, 0s},
        {Kind::damaged, 0, DeliveryState::quarantined, true, 0s},
        {Kind::refused, 0, DeliveryState::failed, true, 0s},
    };
    Delivery delivery;
    delivery.id = 7;
    delivery.instance.envelope.received = WallTime(1'000s);
    for (const Row& row : rows) {
        CAPTURE(to_string(row.kind));
        CAPTURE(row.limited_seen);
        StoreOutcome outcome;
        outcome.kind = row.kind;
        outcome.answer = "HTTP 500";
        const RecordingContext context{WallTime(1'020s), {5s, 600s}, 0, row.limited_seen, 3};
        const DeliveryRecord record = record_of(delivery, outcome, context);
        CHECK(record.id == 7);
        CHECK(record.state == row.state);
        CHECK(record.counts == row.counts);
        CHECK(record.answer == "HTTP 500");
        CHECK(record.next_attempt - context.now == row.wait);
    }
}
