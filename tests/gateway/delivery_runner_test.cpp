// A destination that answers, one that is slow, one that is away, one that lies: what the runner
// makes of them. Time stands still but for what a case says.
#include "gateway/custody/delivery.h"
#include "gateway/error.h"
#include "gateway/loop/task_group.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/support/fake_origin.h"
#include "tests/support/fake_queue.h"
#include "tests/support/fake_spool.h"
#include "tests/support/manual_clock.h"
#include "tests/support/run.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;
using namespace std::chrono_literals;
using Kind = StoreOutcome::Kind;

namespace {

DeliveryOptions quick()
{
    DeliveryOptions options;
    options.min_backoff = 1ms;
    options.max_backoff = 8ms;
    return options;
}

/// A gate that store() waits at until the case opens it.
struct Gate {
    explicit Gate(const asio::any_io_executor& loop)
        : timer(loop, asio::steady_timer::time_point::max())
    {
    }

    void open()
    {
        is_open = true;
        timer.cancel();
    }

    asio::awaitable<void> pass()
    {
        while (!is_open)
            co_await timer.async_wait(use_tuple);
    }

    bool is_open = false;
    asio::steady_timer timer;
};

struct House {
    explicit House(DeliveryOptions options = quick())
        : runner(origin, queue, spool, disk, clock, options)
    {
    }

    std::int64_t add(std::uint64_t length = 1'000)
    {
        return queue.add(spool.put({}, Bytes{length}), "cloud");
    }

    const DeliveryRecord& last(std::int64_t id) { return queue.rows.at(id).records.back(); }

    asio::io_context loop;
    ManualClock clock;
    WorkerPool disk{"disk", 2};
    FakeSpool spool;
    FakeQueue queue{loop.get_executor(), clock};
    FakeOrigin origin{"cloud"};
    DeliveryRunner runner;
    TaskGroup tasks{loop.get_executor(), "test"};
};

/// Runs the house until `holds`, then cancels it.
asio::awaitable<void> live(House& house, std::function<bool()> holds)
{
    house.tasks.spawn(house.runner.run());
    co_await house.queue.until(std::move(holds));
    house.tasks.cancel();
    co_await house.tasks.drained();
}

void live_until(House& house, std::function<bool()> holds)
{
    run(house.loop, live(house, std::move(holds)));
}

asio::awaitable<FakeOrigin::Outcomes> all(FakeOrigin::Batch& batch, StoreOutcome outcome)
{
    co_return FakeOrigin::Outcomes(batch.size(), std::move(outcome));
}

} // namespace

TEST_CASE("a single instance goes out at once and its answer is recorded")
{
    House house;
    const auto id = house.add();
    std::vector<Kind> observed;
    house.runner.on_outcome([&](const StoreOutcome& outcome, const Delivery& delivery) {
        CHECK(delivery.id == id);
        observed.push_back(outcome.kind);
    });
    live_until(house, [&] { return house.queue.count(DeliveryState::delivered) == 1; });
    CHECK(house.origin.batches == std::vector<std::size_t>{1});
    CHECK(house.last(id).answer == "200");
    CHECK(observed == std::vector{Kind::stored});
}

TEST_CASE("batches grow while the destination is busy, and stay within count and bytes")
{
    DeliveryOptions options = quick();
    options.concurrent = 1;
    options.max_bytes = Bytes{20'000};
    House house(options);
    Gate gate(house.loop.get_executor());
    house.origin.on_store = [&](FakeOrigin::Batch& batch) -> asio::awaitable<FakeOrigin::Outcomes> {
        for (int i = 0; house.origin.batches.size() == 1 && i < 45; ++i)
            house.add(i == 40 ? 50'000 : 500);
        return all(batch, FakeOrigin::outcome(Kind::stored));
    };
    house.add();
    live_until(house, [&] { return house.queue.count(DeliveryState::delivered) == 46; });
    CHECK(house.origin.batches == std::vector<std::size_t>{1, 32, 8, 1, 4});
}

TEST_CASE("never more batches at once than allowed, and fewer after the destination stumbles")
{
    DeliveryOptions options = quick();
    options.max_instances = 1;
    options.concurrent = 4;
    options.min_backoff = 1s;
    House house(options);
    std::size_t narrowest = 4;
    house.runner.on_outcome([&](const StoreOutcome&, const Delivery&) {
        narrowest = std::min(narrowest, house.runner.status().window);
    });
    Gate gate(house.loop.get_executor());
    const auto hold = [&](FakeOrigin::Batch& batch) -> asio::awaitable<FakeOrigin::Outcomes> {
        const bool stumbles = house.origin.batches.size() <= 4;
        if (house.origin.at_once == 4)
            gate.open();
        co_await gate.pass();
        co_return FakeOrigin::Outcomes(
            batch.size(), FakeOrigin::outcome(stumbles ? Kind::transient : Kind::stored)
        );
    };
    house.origin.on_store = hold;
    for (int i = 0; i < 8; ++i)
        house.add();
    house.queue.rows.at(8).due += 1h; // one that is not due yet
    live_until(house, [&] { return house.queue.count(DeliveryState::delivered) == 3; });
    CHECK(house.origin.most_at_once == 4);
    CHECK(narrowest <= 2);
    CHECK(house.queue.count(DeliveryState::deferred) == 4);
    CHECK(house.queue.rows.at(8).records.empty());
}

TEST_CASE("an instance that fails for now is tried again when it is due, and not before")
{
    House house;
    house.origin.on_store = [&](FakeOrigin::Batch& batch) {
        StoreOutcome busy = FakeOrigin::outcome(Kind::transient, "HTTP 200 A700");
        busy.retry_after = 30s;
        const bool first = house.origin.batches.size() == 1;
        return all(batch, first ? busy : FakeOrigin::outcome(Kind::stored));
    };
    const auto id = house.add();
    house.tasks.spawn(house.runner.run());
    run(house.loop,
        house.queue.until([&] { return house.queue.count(DeliveryState::deferred) == 1; }));
    CHECK(house.last(id).answer == "HTTP 200 A700");
    const auto wait = house.last(id).next_attempt - house.clock.wall();
    CHECK(wait >= 30s);
    CHECK(wait <= 33s);
    house.clock.advance(29s);
    house.queue.look_again();
    const auto other = house.add(); // something else passes meanwhile
    run(house.loop, house.queue.until([&] { return !house.queue.rows.at(other).records.empty(); }));
    CHECK(house.queue.rows.at(id).records.size() == 1);
    house.clock.advance(5s);
    house.queue.look_again();
    run(house.loop,
        house.queue.until([&] { return house.queue.count(DeliveryState::delivered) == 2; }));
    CHECK(house.queue.rows.at(id).delivery.attempts == 2);
    house.tasks.cancel();
    run(house.loop, house.tasks.drained());
}

TEST_CASE("a destination that is away is left alone, probed, and served again from one batch up")
{
    DeliveryOptions options = quick();
    options.max_instances = 1;
    House house(options);
    bool away = true;
    std::size_t asked_while_away = 0;
    std::vector<std::size_t> windows; // when each batch was asked for, after it came back
    house.origin.on_store = [&](FakeOrigin::Batch& batch) {
        asked_while_away += away ? 1U : 0U;
        if (!away)
            windows.push_back(house.runner.status().window);
        return all(
            batch, FakeOrigin::outcome(away ? Kind::unavailable : Kind::stored, "connect refused")
        );
    };
    std::vector<std::chrono::milliseconds> waits;
    house.origin.on_health = [&] {
        waits.push_back(house.runner.status().next_probe - house.clock.wall());
        CHECK(house.runner.status().suspended);
        Health health;
        health.reason = "connect refused";
        health.reachable = house.origin.probes == 5;
        away = !health.reachable;
        return health;
    };
    for (int i = 0; i < 12; ++i)
        house.add();
    live_until(house, [&] { return house.queue.count(DeliveryState::delivered) == 12; });
    CHECK(asked_while_away <= options.concurrent); // those that were under way, and no more
    CHECK(house.origin.probes == 5);
    REQUIRE(waits.size() == 5);
    CHECK(waits[3] >= 7ms);
    CHECK(waits[4] >= 7ms);
    CHECK(waits[4] <= 9ms);
    CHECK(windows.front() == 1);
    CHECK(windows.back() == 4);
    for (const auto& [id, row] : house.queue.rows)
        CHECK(row.delivery.attempts == 1); // being away counts for nobody
}

TEST_CASE("a destination that looks well and still lets nothing in is asked less and less")
{
    DeliveryOptions options = quick();
    options.max_backoff = 64ms;
    House house(options);
    std::vector<std::chrono::milliseconds> waits;
    house.origin.on_health = [&] {
        waits.push_back(house.runner.status().next_probe - house.clock.wall());
        return Health{true, {}, {}};
    };
    house.origin.on_store = [&](FakeOrigin::Batch& batch) {
        const bool in = house.origin.batches.size() > 5;
        return all(batch, FakeOrigin::outcome(in ? Kind::stored : Kind::unavailable, "HTTP 403"));
    };
    const auto id = house.add();
    live_until(house, [&] { return house.queue.count(DeliveryState::delivered) == 1; });
    CHECK(house.queue.rows.at(id).records.front().answer == "HTTP 403");
    REQUIRE(waits.size() == 5);
    CHECK(waits.back() >= 14ms);
    CHECK_FALSE(house.runner.status().suspended);
}

TEST_CASE("Retry-After of the destination decides when it is asked again")
{
    House house;
    house.origin.on_store = [&](FakeOrigin::Batch& batch) {
        StoreOutcome busy = FakeOrigin::outcome(Kind::unavailable, "HTTP 503");
        busy.retry_after = 120s;
        return all(batch, busy);
    };
    house.add();
    live_until(house, [&] { return house.queue.count(DeliveryState::deferred) == 1; });
    const auto status = house.runner.status();
    CHECK(status.suspended);
    CHECK(status.reason == "HTTP 503");
    CHECK(house.origin.batches.size() == 1);
    CHECK(house.origin.probes == 0);
}

TEST_CASE("an answer that may be tried a few times only ends as failed")
{
    DeliveryOptions options = quick();
    options.min_backoff = 0ms;
    House house(options);
    house.origin.on_store = [&](FakeOrigin::Batch& batch) {
        const bool first = house.origin.batches.size() == 1; // does not count towards the few
        return all(batch, FakeOrigin::outcome(first ? Kind::transient : Kind::limited, "HTTP 500"));
    };
    const auto id = house.add();
    live_until(house, [&] { return house.queue.count(DeliveryState::failed) == 1; });
    CHECK(house.origin.batches.size() == 4);
    CHECK(house.last(id).answer == "HTTP 500");
}

TEST_CASE("of ten instances of a batch each gets its own state")
{
    House house;
    house.origin.on_store = [&](FakeOrigin::Batch& batch) -> asio::awaitable<FakeOrigin::Outcomes> {
        FakeOrigin::Outcomes outcomes(batch.size(), FakeOrigin::outcome(Kind::stored));
        outcomes[3] = FakeOrigin::outcome(Kind::refused, "HTTP 202 A900");
        outcomes[4] = FakeOrigin::outcome(Kind::conflict, "HTTP 409");
        co_return outcomes;
    };
    for (int i = 0; i < 10; ++i)
        house.add();
    live_until(house, [&] { return house.queue.count(DeliveryState::delivered) == 8; });
    CHECK(house.queue.rows.at(4).state == DeliveryState::failed);
    CHECK(house.queue.rows.at(5).state == DeliveryState::quarantined);
    CHECK(house.queue.recorded_together == std::vector<std::size_t>{10});
}

TEST_CASE("a destination that never answers does not delay another")
{
    House house;
    FakeOrigin stalled("stalled");
    Gate never(house.loop.get_executor());
    stalled.on_store = [&](FakeOrigin::Batch& batch) -> asio::awaitable<FakeOrigin::Outcomes> {
        co_await never.pass();
        co_return FakeOrigin::Outcomes(batch.size());
    };
    DeliveryRunner beside(stalled, house.queue, house.spool, house.disk, house.clock, quick());
    for (int i = 0; i < 300; ++i)
        house.queue.add(house.spool.put({}, Bytes{10}), "stalled");
    for (int i = 0; i < 300; ++i)
        house.add();
    house.tasks.spawn(beside.run());
    live_until(house, [&] { return house.queue.count(DeliveryState::delivered) == 300; });
    CHECK(stalled.batches.size() == 4);
    CHECK(house.queue.count(DeliveryState::queued) == 300); // given back, and the rest untouched
}

TEST_CASE("what is interrupted goes back to the queue, and counts only where something was read")
{
    DeliveryOptions options = quick();
    options.concurrent = 1;
    House house(options);
    Gate never(house.loop.get_executor());
    house.origin.on_store = [&](FakeOrigin::Batch& batch) -> asio::awaitable<FakeOrigin::Outcomes> {
        (void)co_await batch.front()->read();
        house.queue.look_again();
        house.origin.probes = 1;
        co_await never.pass();
        co_return FakeOrigin::Outcomes(batch.size());
    };
    house.add(1'000'000);
    house.add();
    live_until(house, [&] { return house.origin.probes == 1; });
    CHECK(house.queue.rows.at(1).state == DeliveryState::deferred);
    CHECK(house.queue.rows.at(1).delivery.attempts == 1);
    CHECK(house.queue.rows.at(2).state == DeliveryState::queued);
    CHECK(house.queue.rows.at(2).delivery.attempts == 0);
    CHECK(house.last(1).answer == "interrupted");
    CHECK(house.runner.status().in_flight == 0);
}

TEST_CASE("draining takes nothing new and waits until what is under way is recorded")
{
    DeliveryOptions options = quick();
    options.concurrent = 1;
    options.max_instances = 1;
    House house(options);
    Gate gate(house.loop.get_executor());
    house.origin.on_store = [&](FakeOrigin::Batch& batch) -> asio::awaitable<FakeOrigin::Outcomes> {
        house.queue.look_again();
        co_await gate.pass();
        co_return FakeOrigin::Outcomes(batch.size(), FakeOrigin::outcome(Kind::stored));
    };
    house.add();
    house.add();
    house.tasks.spawn(house.runner.run());
    run(house.loop, house.queue.until([&] { return !house.origin.batches.empty(); }));
    asio::post(house.loop, [&] { gate.open(); });
    run(house.loop, house.runner.drain());
    CHECK(house.queue.count(DeliveryState::delivered) == 1);
    CHECK(house.queue.count(DeliveryState::queued) == 1);
    CHECK(house.origin.batches.size() == 1);
    house.tasks.cancel();
    run(house.loop, house.tasks.drained());
    run(house.loop, house.runner.drain()); // ends at once where nothing runs
}

TEST_CASE("an answer that the database cannot take now is not asked for again")
{
    House house;
    house.queue.record_fails = true;
    const auto id = house.add();
    live_until(house, [&] { return house.queue.count(DeliveryState::delivered) == 1; });
    CHECK(house.origin.batches.size() == 1);
    CHECK(house.queue.rows.at(id).records.size() == 1);
}

TEST_CASE("an origin that throws or miscounts costs an attempt and nothing else")
{
    DeliveryOptions options = quick();
    options.min_backoff = 100ms;
    House house(options);
    house.origin.on_store = [&](FakeOrigin::Batch& batch) -> asio::awaitable<FakeOrigin::Outcomes> {
        if (house.origin.batches.size() == 1)
            throw std::runtime_error("broken");
        const std::size_t miscount = house.origin.batches.size() == 2 ? 1 : 0;
        co_return FakeOrigin::Outcomes(batch.size() + miscount, FakeOrigin::outcome(Kind::stored));
    };
    const auto id = house.add();
    const auto deferred = [&](std::size_t times) {
        return [&house, id, times] { return house.queue.rows.at(id).records.size() == times; };
    };
    house.tasks.spawn(house.runner.run());
    for (std::size_t times = 1; times <= 3; ++times) {
        run(house.loop, house.queue.until(deferred(times)));
        house.clock.advance(1s);
        house.queue.look_again();
    }
    CHECK(house.queue.rows.at(id).state == DeliveryState::delivered);
    CHECK(house.queue.rows.at(id).records.front().answer == "internal error");
    house.tasks.cancel();
    run(house.loop, house.tasks.drained());
}

TEST_CASE("the lease of a long upload is renewed while it lasts")
{
    DeliveryOptions options = quick();
    options.lease = 1s;
    House house(options);
    Gate never(house.loop.get_executor());
    house.origin.on_store = [&](FakeOrigin::Batch& batch) -> asio::awaitable<FakeOrigin::Outcomes> {
        co_await never.pass();
        co_return FakeOrigin::Outcomes(batch.size());
    };
    house.add();
    live_until(house, [&] { return house.queue.renewed >= 1; });
    CHECK(house.queue.count(DeliveryState::queued) == 1);
}
