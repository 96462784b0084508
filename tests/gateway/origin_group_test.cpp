#include "gateway/error.h"
#include "gateway/origins/origin_group.h"
#include "support/run.h"
#include "support/scripted_archive.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gantry;
using tests::data_set;
using tests::lines_of;
using tests::ScriptedArchive;

namespace {

class Asker final : public FindSink {
public:
    std::vector<std::string> matches;
    std::size_t leaves_after = 1'000'000;

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        if (matches.size() == leaves_after)
            co_return error(Errc::closed);
        matches.push_back(lines_of(*attributes));
        co_return Result<void>{};
    }
};

FindQuestion studies()
{
    FindQuestion question;
    question.keys = data_set("0010,0010= | 0020,000d=");
    return question;
}

/// Answers after all that is ready has run.
asio::awaitable<void> later()
{
    for (int i = 0; i < 100; ++i)
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

InstanceKey instance(const char* number)
{
    InstanceKey key;
    key.study = *Uid::parse("1.2");
    key.series = *Uid::parse("1.2.3");
    key.sop = {*Uid::parse("1.2.840.10008.5.1.4.1.1.2"), *Uid::parse(number)};
    return key;
}

class Taker final : public RetrieveSink {
public:
    std::vector<std::string> expected;
    std::vector<std::string> given;

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) override
    {
        for (const InstanceKey& key : instances)
            expected.push_back(key.sop.sop_instance.str());
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override
    {
        given.push_back(content->key().sop.sop_instance.str());
        co_return Result<void>{};
    }
};

struct Two {
    ScriptedArchive first{"first"};
    ScriptedArchive second{"second"};
    OriginGroup group{{&first, &second}, {.held_matches = 2, .max_matches = 10}};
};

RetrieveQuestion study()
{
    RetrieveQuestion question;
    question.studies = {*Uid::parse("1.2")};
    return question;
}

} // namespace

TEST_CASE("several origins answer as one: each study once, as the first listed has it")
{
    for (const bool first_is_slow : {false, true}) {
        CAPTURE(first_is_slow);
        Two two;
        (first_is_slow ? two.first : two.second).before = later;
        two.first.matches = {"0010,0010=A | 0020,000d=1", "0010,0010=B | 0020,000d=2"};
        two.second.matches = {
            "0010,0010=X | 0020,000d=2",
            "0010,0010=C | 0020,000d=3",
            "0010,0010=D | 0020,000d=4",
            "0010,0010=E | 0020,000d=5"
        };
        Asker asker;
        const auto end = tests::run(two.group.find(studies(), asker));
        CHECK(end.complete);
        CHECK(
            asker.matches ==
            std::vector<std::string>{
                "0010,0010=A | 0020,000d=1",
                "0010,0010=B | 0020,000d=2",
                "0010,0010=C | 0020,000d=3",
                "0010,0010=D | 0020,000d=4",
                "0010,0010=E | 0020,000d=5"
            }
        );
        // each reads keys of its own
        CHECK(two.first.found.at(0).keys != two.second.found.at(0).keys);
    }
}

TEST_CASE("an origin that is down is named, and the others' matches still come")
{
    Two two;
    two.first.end = {false, Shortfall::unavailable, "connection refused"};
    two.second.matches = {"0010,0010=C | 0020,000d=3"};
    Asker asker;
    const auto end = tests::run(two.group.find(studies(), asker));
    CHECK_FALSE(end.complete);
    CHECK(end.shortfall == Shortfall::unavailable);
    CHECK(end.origin == "first");
    CHECK(end.reason == "first: connection refused");
    CHECK(asker.matches.size() == 1);

    two.second.end = {false, Shortfall::limit, "too many"};
    Asker again;
    const auto both = tests::run(two.group.find(studies(), again));
    CHECK(both.origin == "first, second");
    CHECK(both.shortfall == Shortfall::unavailable);
}

TEST_CASE("an asker that has enough ends the search everywhere")
{
    Two two;
    two.first.matches = {"0020,000d=1", "0020,000d=2"};
    two.second.before = later;
    two.second.matches = {"0020,000d=3", "0020,000d=4"};
    Asker asker;
    asker.leaves_after = 1;
    const auto end = tests::run(two.group.find(studies(), asker));
    CHECK_FALSE(end.complete);
    CHECK(two.first.taken == 1);
    CHECK(two.second.taken == 0);
}

TEST_CASE("offset and limit count over all of them")
{
    Two two;
    two.first.matches = {"0020,000d=1", "0020,000d=2"};
    two.second.matches = {"0020,000d=2", "0020,000d=3", "0020,000d=4"};
    auto question = studies();
    question.offset = 1;
    question.limit = 2;
    Asker asker;
    const auto end = tests::run(two.group.find(std::move(question), asker));
    CHECK(end.complete);
    CHECK(asker.matches == std::vector<std::string>{"0020,000d=2", "0020,000d=3"});
}

TEST_CASE("more matches than can be told apart are cut off, and said so")
{
    Two two;
    for (int i = 0; i < 11; ++i)
        two.first.matches.push_back("0020,000d=1." + std::to_string(i));
    Asker asker;
    const auto end = tests::run(two.group.find(studies(), asker));
    CHECK_FALSE(end.complete);
    CHECK(end.shortfall == Shortfall::limit);
    CHECK(asker.matches.size() == 10);
}

TEST_CASE("a find that is cancelled is cancelled in every origin")
{
    Two two;
    int ended = 0;

    struct Count {
        int& count;

        ~Count() { ++count; }
    };

    const auto for_ever = [&]() -> asio::awaitable<void> { // NOLINT: outlives what it starts
        const Count count{ended};
        asio::steady_timer never(
            co_await asio::this_coro::executor, asio::steady_timer::time_point::max()
        );
        co_await never.async_wait(asio::use_awaitable);
    };
    two.first.before = for_ever;
    two.second.matches = {"0020,000d=1", "0020,000d=2", "0020,000d=3"}; // waits for its turn
    Asker asker;
    asio::io_context loop;
    asio::cancellation_signal cancel;
    bool over = false;
    auto done = [&](std::exception_ptr fault, FindEnd) { over = fault != nullptr; };
    asio::co_spawn(
        loop,
        two.group.find(studies(), asker),
        asio::bind_cancellation_slot(cancel.slot(), std::move(done))
    );
    loop.poll();
    CHECK_FALSE(over);
    CHECK(two.second.taken == 2);
    cancel.emit(asio::cancellation_type::terminal);
    loop.run_for(tests::hang);
    CHECK(over);
    CHECK(ended == 1);
}

TEST_CASE("an instance comes from the first origin that has it, the rest from the others")
{
    Two two;
    two.first.holds = {instance("1"), instance("2")};
    two.second.holds = {instance("2"), instance("3")};
    Taker taker;
    const auto end = tests::run(two.group.retrieve(study(), taker));
    CHECK(end.complete);
    CHECK(taker.expected == std::vector<std::string>{"1", "2", "3"});
    std::ranges::sort(taker.given);
    CHECK(taker.given == std::vector<std::string>{"1", "2", "3"});
    REQUIRE(two.second.retrieved.size() == 2);
    CHECK(two.second.retrieved[1].level == QueryLevel::image);
    CHECK(two.second.retrieved[1].instances == std::vector<Uid>{*Uid::parse("3")});
    CHECK(two.second.retrieved[1].studies == std::vector<Uid>{*Uid::parse("1.2")});
}

TEST_CASE("what the first origin fails to give comes from another that has it")
{
    Two two;
    two.first.holds = {instance("1"), instance("2")};
    two.first.loses = {*Uid::parse("2")};
    two.second.holds = {instance("1"), instance("2")};
    Taker taker;
    const auto end = tests::run(two.group.retrieve(study(), taker));
    CHECK(end.complete);
    CHECK(taker.given == std::vector<std::string>{"1", "2"});

    two.second.loses = {*Uid::parse("2")};
    Taker again;
    const auto lost = tests::run(two.group.retrieve(study(), again));
    CHECK_FALSE(lost.complete);
    REQUIRE(lost.missing.size() == 1);
    CHECK(lost.missing[0].sop_instance.str() == "2");
}

TEST_CASE("a retrieve without an origin that is down gives what the other has, and says so")
{
    Two two;
    two.first.down = true;
    two.second.holds = {instance("1")};
    Taker taker;
    const auto end = tests::run(two.group.retrieve(study(), taker));
    CHECK_FALSE(end.complete);
    CHECK(end.shortfall == Shortfall::unavailable);
    CHECK(end.reason == "first: down");
    CHECK(taker.given == std::vector<std::string>{"1"});

    two.second.down = true;
    Taker none;
    const auto nothing = tests::run(two.group.retrieve(study(), none));
    CHECK_FALSE(nothing.complete);
    CHECK(none.expected.empty());
}
