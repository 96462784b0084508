// What operators see and do.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/gateway/custody_queue_fixture.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;
using namespace std::chrono_literals;

using State = DeliveryState;

namespace {

// Study 1 to the cloud: instance 1 delivered, 2 deferred, 3 failed, 4 quarantined, 5 sending,
// 6 queued, 7 dropped.
void one_of_each(QueueFixture& f)
{
    f.open();
    for (unsigned i = 1; i <= 7; ++i)
        f.take_in(1, i);
    auto claimed = f.claim("cloud", 5);
    f.record(claimed.at(0), State::delivered);
    f.record(claimed.at(1), State::deferred);
    f.record(claimed.at(2), State::failed);
    f.record(claimed.at(3), State::quarantined);
    REQUIRE(f.ask(f.queue->drop({.instance = Uid::parse("1.2.1.1.7")})).value() == 1);
}

std::set<std::string> instances(const std::vector<QueueRow>& rows)
{
    std::set<std::string> found;
    for (const auto& row : rows)
        found.insert(row.key.sop.sop_instance.str().substr(8));
    return found;
}

} // namespace

TEST_CASE_FIXTURE(QueueFixture, "the list shows what is asked for")
{
    one_of_each(*this);
    take_in(2, 8, {"here"});

    struct Row {
        const char* says;
        QueueFilter filter;
        std::set<std::string> found;
    };

    const auto study = Uid::parse("1.2.1");
    const Row table[] = {
        {"not delivered", {}, {"2", "3", "4", "5", "6", "8"}},
        {"all", {.all = true}, {"1", "2", "3", "4", "5", "6", "7", "8"}},
        {"a destination", {.destination = "here"}, {"8"}},
        {"another destination", {.destination = "cloud"}, {"2", "3", "4", "5", "6"}},
        {"nobody's destination", {.destination = "nowhere"}, {}},
        {"queued", {.state = State::queued}, {"6", "8"}},
        {"sending", {.state = State::sending}, {"5"}},
        {"deferred", {.state = State::deferred}, {"2"}},
        {"failed", {.state = State::failed}, {"3"}},
        {"quarantined", {.state = State::quarantined}, {"4"}},
        {"delivered", {.state = State::delivered}, {"1"}},
        {"dropped", {.state = State::dropped}, {"7"}},
        {"held", {.state = State::held}, {}},
        {"a study", {.study = study}, {"2", "3", "4", "5", "6"}},
        {"all of a study", {.all = true, .study = study}, {"1", "2", "3", "4", "5", "6", "7"}},
        {"an instance", {.all = true, .instance = Uid::parse("1.2.1.1.1")}, {"1"}},
        {"failed of another study", {.state = State::failed, .study = Uid::parse("1.2.2")}, {}},
    };
    for (const Row& row : table) {
        CAPTURE(row.says);
        CHECK(instances(rows(row.filter)) == row.found);
        CHECK(rows(row.filter).size() == row.found.size());
    }
    const auto failed = rows({.state = State::failed}).at(0);
    CHECK(failed.last_error == "went wrong");
    CHECK(failed.answer.empty());
    CHECK(failed.calling_ae == "CT1");
    CHECK(failed.peer_address == "10.1.2.3");
    CHECK(failed.bytes == Bytes{10'000});
    CHECK(rows({.id = failed.id}).size() == 1);
}

TEST_CASE_FIXTURE(QueueFixture, "the list comes in pages that miss and repeat nothing")
{
    open();
    for (unsigned i = 0; i < 50; ++i)
        queue->enqueue(store(*spool, envelope_of(i % 3, i, {"cloud", "here"}), content_of(i, 100)));
    for (const auto& filter :
         {QueueFilter{.limit = 7},
          QueueFilter{.all = true, .limit = 100},
          QueueFilter{.destination = "here", .limit = 1},
          QueueFilter{.state = State::queued, .limit = 9}}) {
        QueueFilter page = filter;
        std::vector<std::int64_t> ids;
        for (;;) {
            const auto found = rows(page);
            for (const auto& row : found)
                ids.push_back(row.id);
            if (found.size() < page.limit)
                break;
            page.after = ids.back();
        }
        CHECK(ids.size() == (filter.destination ? 50 : 100));
        CHECK(std::ranges::adjacent_find(ids, std::ranges::greater_equal{}) == ids.end());
    }
}

TEST_CASE_FIXTURE(QueueFixture, "the summary counts each state and knows the oldest")
{
    one_of_each(*this);
    const auto check = [this](bool sending) {
        const auto sum = summary();
        CHECK(sum.delivered == 1);
        CHECK(sum.deferred == 1);
        CHECK(sum.failed == 1);
        CHECK(sum.quarantined == 1);
        CHECK(sum.sending == (sending ? 1 : 0));
        CHECK(sum.queued == (sending ? 1 : 2));
        CHECK(sum.dropped == 1);
        CHECK(sum.held_rows == 0);
        CHECK_FALSE(sum.held);
        CHECK(sum.last_error == "went wrong");
    };
    check(true);
    CHECK(summary().oldest == clock.wall());
    CHECK_FALSE(summary("here").oldest.has_value());
    reopen();
    check(false);
}

TEST_CASE_FIXTURE(
    QueueFixture,
    "a held destination is not served until it is released and stays held over a restart"
)
{
    open();
    take_in(1, 1, {"cloud", "here"});
    ask(queue->hold("cloud")).value();
    CHECK(claim("cloud").empty());
    CHECK(claim("here").size() == 1);
    reopen();
    CHECK(claim("cloud").empty());
    CHECK(summary().held);
    CHECK(summary().held_rows == 1);
    CHECK(summary().queued == 0);
    CHECK(rows({.destination = "cloud"}).at(0).state == State::held);
    CHECK(rows({.state = State::held}).size() == 1);
    CHECK(rows({.destination = "cloud", .state = State::queued}).empty());
    ask(queue->release("cloud")).value();
    CHECK(claim("cloud").size() == 1);
    CHECK(code_of(ask(queue->hold("nowhere")).error()) == Errc::not_found);
}

TEST_CASE_FIXTURE(
    QueueFixture, "rows of a destination that is no longer configured stay and are held"
)
{
    open();
    take_in(1, 1, {"cloud", "here"});
    close();
    queue_options.destinations = {"here"};
    open();
    CHECK(claim("cloud").empty());
    CHECK(rows({.destination = "cloud"}).at(0).state == State::held);
    CHECK(summary().held);
    record(claim("here").at(0), State::delivered);
    const std::string slot = rows({.destination = "cloud"}).at(0).slot;
    CHECK(fetch(*spool, slot).size() == 10'000);
    close();
    queue_options.destinations = {"here", "cloud"};
    open();
    CHECK(claim("cloud").size() == 1);
}

TEST_CASE_FIXTURE(QueueFixture, "a person tries again what failed and gives up what is hopeless")
{
    one_of_each(*this);
    CHECK(ask(queue->retry({})).value() == 3); // deferred, failed, quarantined
    CHECK(claim().size() == 4);                // and the one that was queued
    CHECK(ask(queue->drop({})).value() == 0);  // what is being sent is not dropped
    reopen();
    CHECK(ask(queue->drop({.study = Uid::parse("1.2.1")})).value() == 5);
    CHECK(claim().empty());
    CHECK(rows({}).empty());
    CHECK(summary().dropped == 6);
    CHECK(ask(queue->drop({.all = true})).value() == 0);
    CHECK(ask(queue->retry({.all = true})).value() == 0);
    for (const auto& row : rows())
        CHECK(row.slot.empty());
}

TEST_CASE_FIXTURE(
    QueueFixture, "the ledger says for a study what was received and delivered to whom"
)
{
    open();
    for (unsigned i = 1; i <= 4; ++i)
        take_in(1, i, {"cloud", "here"});
    take_in(1, 4, {"cloud", "here"}); // received twice
    clock.advance(1min);
    take_in(2, 1);
    for (const auto& delivery : claim("here"))
        record(delivery, State::delivered);
    record(claim("cloud").at(0), State::failed);

    const auto all = ask(queue->studies({}, 10)).value();
    REQUIRE(all.size() == 2);
    CHECK(all[0].study.str() == "1.2.2"); // the latest first
    CHECK(ask(queue->studies({}, 1)).value().size() == 1);
    const auto one = ask(queue->studies(Uid::parse("1.2.1"), 10)).value().at(0);
    CHECK(one.received == 4);
    CHECK(one.first_received == clock.wall() - 1min);
    REQUIRE(one.destinations.size() == 2);
    const auto& cloud = one.destinations[0];
    const auto& here = one.destinations[1];
    CHECK(cloud.destination == "cloud");
    CHECK(cloud.delivered == 0);
    CHECK(cloud.failed == 1);
    CHECK(cloud.sending == 2);
    CHECK(cloud.queued == 1); // the second receipt waits for the first
    CHECK(here.delivered == 4);
    CHECK(here.last_delivered == clock.wall());
    CHECK(ask(queue->studies(Uid::parse("1.2.3"), 10)).value().empty());
}

TEST_CASE_FIXTURE(QueueFixture, "spool files of what is delivered are kept as long as configured")
{
    queue_options.keep_delivered = 2h;
    open();
    const auto stored = take_in(1, 1);
    record(claim().at(0), State::delivered);
    CHECK(fetch(*spool, stored.slot).size() == 10'000);
    reopen(); // neither lost nor delivered again
    CHECK(claim().empty());
    CHECK(fetch(*spool, stored.slot).size() == 10'000);
    clock.advance(3h);
    (void)rows();
    CHECK(eventually([&] { return spool->read(stored.slot).has_error(); }));
    CHECK(rows().at(0).slot.empty());
    CHECK(summary().delivered == 1);
}

TEST_CASE_FIXTURE(QueueFixture, "the ledger forgets what ended long ago and nothing else")
{
    queue_options.ledger_age = 24h;
    open();
    take_in(1, 1);
    record(claim().at(0), State::delivered);
    take_in(1, 2);
    record(claim().at(0), State::failed);
    clock.advance(25h);
    (void)rows();
    (void)rows();
    clock.advance(25h);
    CHECK(eventually([&] { return rows().size() == 1; }));
    CHECK(rows().at(0).state == State::failed);
    CHECK(summary().delivered == 0);
    reopen();
    CHECK(rows().size() == 1);
    CHECK(claim().empty());
}

TEST_CASE_FIXTURE(
    QueueFixture, "the queue refuses more than it may hold and takes again when there is room"
)
{
    queue_options.max_queued = 3;
    open();
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(queue->admit().has_value());
        take_in(1, i);
    }
    REQUIRE(queue->admit().has_error());
    CHECK(code_of(queue->admit().error()) == Errc::queue_full);
    record(claim().at(0), State::delivered);
    CHECK(queue->admit().has_value());
}

TEST_CASE_FIXTURE(QueueFixture, "another process reads the queue beside the service and without it")
{
    CHECK(code_of(QueueReader::open(queue_options.database, {}).error()) == Errc::not_found);
    one_of_each(*this);
    ask(queue->hold("here")).value();
    const auto check = [this] {
        const auto reader = QueueReader::open(queue_options.database, {"cloud", "here"}).value();
        CHECK(reader->list({}).value().size() == 5);
        CHECK(reader->list({.all = true}).value().size() == 7);
        CHECK(reader->list({.state = State::queued}).value().size() == 2); // no leases seen
        const auto sums = reader->summary().value();
        REQUIRE(sums.size() == 2);
        CHECK(sums[0].failed == 1);
        CHECK(sums[1].held);
        CHECK(reader->studies({}, 5).value().at(0).received == 7);
    };
    check();
    close();
    check();
}

TEST_CASE_FIXTURE(QueueFixture, "after close nothing is taken and everybody is answered")
{
    open();
    take_in(1, 1);
    const auto late = store(*spool, envelope_of(1, 2), content_of(2));
    queue->enqueue(late);
    queue->close();
    CHECK(code_of(queue->admit().error()) == Errc::closed);
    CHECK(code_of(ask(queue->list({})).error()) == Errc::closed);
    reopen();
    CHECK(claim().size() == 2);
}
