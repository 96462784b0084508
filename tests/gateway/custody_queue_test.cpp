#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/gateway/custody_queue_fixture.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;
using namespace std::chrono_literals;

using State = DeliveryState;

TEST_CASE_FIXTURE(QueueFixture, "an instance is claimed once and gone when it is delivered")
{
    open();
    const auto stored = take_in(1, 1);
    const auto claimed = claim();
    REQUIRE(claimed.size() == 1);
    const Delivery& delivery = claimed.front();
    CHECK(delivery.destination == "cloud");
    CHECK(delivery.attempts == 1);
    CHECK(delivery.instance.slot == stored.slot);
    CHECK(delivery.instance.envelope.id == stored.envelope.id);
    CHECK(delivery.instance.envelope.key == stored.envelope.key);
    CHECK(delivery.instance.envelope.length == stored.envelope.length);
    CHECK(delivery.instance.envelope.digest == stored.envelope.digest);
    CHECK(delivery.instance.envelope.calling_ae == "CT1");
    CHECK(rows().front().state == State::sending);
    CHECK(claim().empty());

    record(delivery, State::delivered);
    CHECK(claim().empty());
    CHECK(rows({}).empty());
    const auto row = rows().front();
    CHECK(row.state == State::delivered);
    CHECK(row.answer == "200");
    CHECK(row.delivered == clock.wall());
    CHECK(row.slot.empty());
    CHECK(spool->read(stored.slot).has_error()); // released
    reopen();
    CHECK(claim().empty());
    CHECK(summary().delivered == 1);
}

TEST_CASE_FIXTURE(
    QueueFixture, "each destination has its own delivery and the file stays until the last"
)
{
    open();
    const auto stored = take_in(1, 1, {"cloud", "here"});
    record(claim("here").front(), State::delivered);
    CHECK(fetch(*spool, stored.slot).size() == 10'000);
    const auto to_cloud = claim("cloud");
    REQUIRE(to_cloud.size() == 1);
    record(to_cloud.front(), State::failed);
    CHECK(fetch(*spool, stored.slot).size() == 10'000); // an operator may retry it
    CHECK(summary("here").delivered == 1);
    CHECK(summary("cloud").failed == 1);
}

TEST_CASE_FIXTURE(QueueFixture, "a claim is of one study within its limits and oldest first")
{
    open();
    for (unsigned i = 0; i < 6; ++i) {
        take_in(1 + i % 2, i);
        clock.advance(1s);
    }
    const auto first = claim("cloud", 2);
    REQUIRE(first.size() == 2);
    CHECK(first[0].instance.envelope.key.sop.sop_instance.str() == "1.2.1.1.0");
    CHECK(first[1].instance.envelope.key.sop.sop_instance.str() == "1.2.1.1.2");
    const auto second = claim("cloud", 100, Bytes{25'000});
    REQUIRE(second.size() == 2);
    CHECK(second[0].instance.envelope.key.sop.sop_instance.str() == "1.2.2.1.1");
    CHECK(second[1].instance.envelope.key.sop.sop_instance.str() == "1.2.2.1.3");
    const auto third = claim("cloud", 100, Bytes{1}); // one at least
    REQUIRE(third.size() == 1);
    CHECK(third[0].instance.envelope.key.sop.sop_instance.str() == "1.2.1.1.4");
}

TEST_CASE_FIXTURE(QueueFixture, "what became of an attempt decides what is next")
{
    struct Row {
        State recorded;
        bool counts;
        State shown;
        std::uint32_t attempts;
        bool claimable_now;
        bool claimable_later;
    };

    const Row table[] = {
        {State::delivered, true, State::delivered, 1, false, false},
        {State::deferred, true, State::deferred, 1, false, true},
        {State::deferred, false, State::deferred, 0, false, true},
        {State::failed, true, State::failed, 1, false, false},
        {State::quarantined, true, State::quarantined, 1, false, false},
        {State::queued, false, State::queued, 0, true, true},
    };
    unsigned instance = 0;
    open();
    for (const Row& row : table) {
        CAPTURE(to_string(row.recorded));
        take_in(1, ++instance);
        const auto delivery = claim().at(0);
        auto outcome = record_of(delivery, row.recorded);
        outcome.counts = row.counts;
        record(outcome);
        const auto shown = rows({.all = true, .id = delivery.id}).at(0);
        CHECK(shown.state == row.shown);
        CHECK(shown.attempts == row.attempts);
        CHECK(shown.next_attempt.has_value() == (row.shown == State::deferred));
        auto now = claim();
        CHECK(now.size() == row.claimable_now);
        if (!now.empty())
            record({.id = delivery.id, .state = State::queued, .counts = false});
        clock.advance(6min);
        auto later = claim();
        CHECK(later.size() == row.claimable_later);
        if (!later.empty()) {
            CHECK(later[0].attempts == row.attempts + 1);
            record(later[0], State::delivered);
        }
    }
}

TEST_CASE_FIXTURE(QueueFixture, "a lease that runs out gives the instance to the next who asks")
{
    open();
    take_in(1, 1);
    const auto first = claim();
    clock.advance(9min);
    CHECK(claim().empty());
    std::vector<std::int64_t> ids{first[0].id};
    ask(queue->renew(ids, 600s)).value();
    clock.advance(9min);
    CHECK(claim().empty());
    clock.advance(2min);
    CHECK(claim().size() == 1);
    record(first[0], State::delivered); // late, and still true
    CHECK(rows().front().state == State::delivered);
    clock.advance(1h);
    CHECK(claim().empty());
}

TEST_CASE_FIXTURE(QueueFixture, "leases of a run that ended are void")
{
    open();
    take_in(1, 1);
    CHECK(claim().size() == 1);
    reopen();
    const auto again = claim();
    REQUIRE(again.size() == 1);
    CHECK(again[0].attempts == 1); // nothing is known of the first one's end
}

TEST_CASE_FIXTURE(
    QueueFixture, "a clock that jumps neither loses a delivery nor doubles nor delays it"
)
{
    auto jump = std::chrono::milliseconds(0);
    SUBCASE("a year ahead")
    {
        jump = std::chrono::hours(24 * 365);
    }
    SUBCASE("a year back")
    {
        jump = -std::chrono::hours(24 * 365);
    }
    SUBCASE("a minute back")
    {
        jump = -1min;
    }
    CAPTURE(jump.count());
    open();
    take_in(1, 1);
    const auto claimed = claim();
    take_in(2, 1);
    record(claim().at(0), State::deferred); // 5 minutes
    clock.jump(jump);
    CHECK(claim().empty());
    take_in(3, 1);
    const auto fresh = claim();
    REQUIRE(fresh.size() == 1); // what comes in now is due now
    CHECK(fresh[0].instance.envelope.key.study.str() == "1.2.3");
    clock.advance(4min);
    CHECK(claim().empty());
    clock.advance(2min);
    CHECK(claim().at(0).instance.envelope.key.study.str() == "1.2.2");
    clock.advance(5min); // the first lease
    CHECK(claim().at(0).instance.envelope.key.study.str() == "1.2.1");
}

TEST_CASE_FIXTURE(
    QueueFixture, "a clock set back over a restart delays nothing beyond the longest backoff"
)
{
    open();
    take_in(1, 1);
    take_in(2, 1);
    record(claim().at(0), State::deferred);
    close();
    clock.jump(-std::chrono::hours(24 * 365));
    open();
    const auto queued = claim().at(0);
    CHECK(queued.instance.envelope.key.study.str() == "1.2.2");
    record(queued, State::delivered);
    CHECK(take_in(3, 1).envelope.id > rows().at(0).receipt);
    const auto fresh = claim().at(0);
    CHECK(fresh.instance.envelope.key.study.str() == "1.2.3");
    record(fresh, State::delivered);
    clock.advance(11min);
    CHECK(claim().at(0).instance.envelope.key.study.str() == "1.2.1");
}

TEST_CASE_FIXTURE(
    QueueFixture, "a clock that was ahead when a delivery was deferred does not strand it"
)
{
    open();
    take_in(1, 1);
    clock.jump(std::chrono::hours(24 * 365));
    reopen();
    record(claim().at(0), State::deferred);
    close();
    clock.jump(-std::chrono::hours(24 * 365));
    open();
    CHECK(claim().empty());
    clock.advance(10min + 1s);
    CHECK(claim().size() == 1);
}

TEST_CASE_FIXTURE(QueueFixture, "whoever waits is woken by an instance a release and a retry")
{
    open();
    SUBCASE("at once where something is there")
    {
        take_in(1, 1);
        wait(queue->ready("cloud"));
    }
    SUBCASE("an instance that comes in")
    {
        const auto stored = store(*spool, envelope_of(1, 1), content_of(1));
        asio::post(loop, [&] { queue->enqueue(stored); });
        wait(queue->ready("cloud"));
    }
    SUBCASE("a hold that is released")
    {
        ask(queue->hold("cloud")).value();
        take_in(1, 1);
        asio::co_spawn(loop, queue->release("cloud"), [](std::exception_ptr, Result<void>) {});
        wait(queue->ready("cloud"));
    }
    SUBCASE("a retry by a person")
    {
        take_in(1, 1);
        record(claim().at(0), State::failed);
        asio::co_spawn(loop, queue->retry({}), [](std::exception_ptr, Result<std::uint64_t>) {});
        wait(queue->ready("cloud"));
    }
    CHECK(claim().size() == 1);
}

TEST_CASE_FIXTURE(QueueFixture, "waiting for work ends when it is cancelled")
{
    open();
    asio::cancellation_signal stop;
    bool ended = false;
    asio::co_spawn(
        loop,
        queue->ready("cloud"),
        asio::bind_cancellation_slot(
            stop.slot(), [&](std::exception_ptr fault) { ended = fault != nullptr; }
        )
    );
    asio::post(loop, [&] { stop.emit(asio::cancellation_type::terminal); });
    loop.run();
    CHECK(ended);
    take_in(1, 1); // the waiter that is gone is not woken
    CHECK(claim().size() == 1);
}
