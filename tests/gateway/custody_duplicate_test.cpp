// Several receipts of one SOP instance on their way to one destination.
#include <doctest/doctest.h>

#include "tests/gateway/custody_queue_fixture.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;
using namespace std::chrono_literals;

using State = DeliveryState;

namespace {

struct DuplicateFixture : QueueFixture {
    StoredInstance receive(unsigned content, std::vector<std::string> destinations = {"cloud"})
    {
        return take_in(envelope_of(1, 1, std::move(destinations)), content_of(content));
    }

    std::vector<State> states()
    {
        std::vector<State> found;
        for (const auto& row : rows())
            found.push_back(row.state);
        return found;
    }

    Delivery only_claim()
    {
        auto claimed = claim();
        REQUIRE(claimed.size() == 1);
        return claimed[0];
    }
};

} // namespace

TEST_CASE_FIXTURE(
    DuplicateFixture, "identical receipts are sent once and all of them count as delivered"
)
{
    open();
    const auto first = receive(7);
    const auto second = receive(7);
    const auto sent = only_claim();
    const auto third = receive(7); // while it is under way
    CHECK(sent.instance.envelope.id == first.envelope.id);
    CHECK(claim().empty());
    record(sent, State::delivered);
    CHECK(claim().empty());
    CHECK(states() == std::vector{State::delivered, State::delivered, State::delivered});
    const std::string answer = "identical to receipt " + std::to_string(first.envelope.id);
    CHECK(rows()[0].answer == "200");
    CHECK(rows()[1].answer == answer);
    CHECK(rows()[2].answer == answer);
    for (const auto& stored : {first, second, third})
        CHECK(spool->read(stored.slot).has_error());
}

TEST_CASE_FIXTURE(
    DuplicateFixture, "an identical receipt is not called delivered before the first one is"
)
{
    open();
    receive(7);
    const auto second = receive(7);
    SUBCASE("the first is refused")
    {
        record(only_claim(), State::failed);
        CHECK(only_claim().instance.envelope.id == second.envelope.id);
    }
    SUBCASE("the first is put off")
    {
        record(only_claim(), State::deferred);
        CHECK(claim().empty());
        clock.advance(6min);
        record(only_claim(), State::delivered);
        CHECK(states() == std::vector{State::delivered, State::delivered});
    }
    SUBCASE("the first is dropped by a person")
    {
        CHECK(ask(queue->drop({.id = rows()[0].id})).value() == 1);
        CHECK(only_claim().instance.envelope.id == second.envelope.id);
    }
    SUBCASE("the service starts again")
    {
        (void)only_claim();
        reopen();
        record(only_claim(), State::delivered);
        CHECK(states() == std::vector{State::delivered, State::delivered});
    }
}

TEST_CASE_FIXTURE(
    DuplicateFixture, "receipts that differ go one after the other in the order they came"
)
{
    open();
    for (const unsigned content : {7U, 8U, 7U})
        receive(content);
    std::vector<std::byte> sent;
    for (const unsigned content : {7U, 8U, 7U}) {
        const auto delivery = only_claim();
        CHECK(claim().empty());
        CHECK(fetch(*spool, delivery.instance.slot) == content_of(content));
        record(delivery, State::delivered);
    }
    CHECK(claim().empty());
}

TEST_CASE_FIXTURE(
    DuplicateFixture, "the same bytes in another transfer syntax are another instance"
)
{
    open();
    receive(7);
    Envelope other = envelope_of(1, 1);
    other.key.transfer_syntax = Uid::parse("1.2.840.10008.1.2").value();
    take_in(other, content_of(7));
    record(only_claim(), State::delivered);
    record(only_claim(), State::delivered);
}

TEST_CASE_FIXTURE(DuplicateFixture, "what was delivered and is received again is delivered again")
{
    open();
    receive(7);
    record(only_claim(), State::delivered);
    const auto again = receive(7);
    CHECK(only_claim().instance.envelope.id == again.envelope.id);
}

TEST_CASE_FIXTURE(DuplicateFixture, "destinations do not wait for each other's duplicates")
{
    open();
    receive(7, {"cloud", "here"});
    receive(7, {"cloud", "here"});
    (void)only_claim();
    const auto here = claim("here");
    REQUIRE(here.size() == 1);
    record(here[0], State::delivered);
    CHECK(summary("here").delivered == 2);
    CHECK(summary("cloud").delivered == 0);
    CHECK(fetch(*spool, here[0].instance.slot) == content_of(7)); // the cloud still needs it
}

TEST_CASE_FIXTURE(
    DuplicateFixture, "an old failure that is tried again never runs beside a newer receipt"
)
{
    open();
    receive(7);
    record(only_claim(), State::failed);
    const auto newer = receive(8);
    const auto sending = only_claim();
    CHECK(sending.instance.envelope.id == newer.envelope.id);
    CHECK(ask(queue->retry({.state = State::failed})).value() == 1);
    CHECK(claim().empty());
    record(sending, State::delivered);
    CHECK(fetch(*spool, only_claim().instance.slot) == content_of(7));
}

TEST_CASE_FIXTURE(
    DuplicateFixture, "many receipts of one instance that is put off do not keep others waiting"
)
{
    open();
    receive(7);
    record(only_claim(), State::deferred);
    for (unsigned i = 0; i < 100; ++i)
        queue->enqueue(store(*spool, envelope_of(1, 1), content_of(100 + i)));
    take_in(2, 1);
    CHECK(only_claim().instance.envelope.key.study.str() == "1.2.2");
}
