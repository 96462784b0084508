// What a cached origin gives, and what it asks of the origin behind for that.
#include <doctest/doctest.h>

#include "tests/gateway/cache_support.h"

using namespace gantry;
using namespace gantry::tests;
using namespace std::chrono_literals;

namespace {

using List = std::vector<std::string>;

const List both_series{"1.2.1.1.1", "1.2.1.1.2", "1.2.1.1.3", "1.2.1.2.1", "1.2.1.2.2"};
const List first_series{"1.2.1.1.1", "1.2.1.1.2", "1.2.1.1.3"};

void fill(FarOrigin& far)
{
    for (unsigned number = 1; number <= 3; ++number)
        far.has.push_back(far_instance(1, 1, number));
    far.has.push_back(far_instance(1, 2, 1));
    far.has.push_back(far_instance(1, 2, 2, 3'000'000));
    far.has.push_back(far_instance(2, 1, 1));
}

struct FilledHouse : CacheHouse {
    explicit FilledHouse(std::function<void(CacheOptions&)> change = {})
        : CacheHouse(std::move(change))
    {
        fill(far);
    }

    void forget_asked() { far.asked.clear(); }
};

} // namespace

TEST_CASE("what is opened twice is fetched once")
{
    for (const auto by : {Taker::By::read, Taker::By::source, Taker::By::random_access}) {
        FilledHouse house;
        const Taker& cold = house.retrieve(study_question(1));
        CHECK(house.complete(cold));
        CHECK(house.exact(cold, both_series));
        CHECK(house.far.asked == List{"study 1.2.1"});
        CHECK(house.cache->instances() == 5);
        Taker& warm = house.start(study_question(1), [by](Taker& taker) { taker.by = by; });
        house.run_until([&] { return warm.end.has_value(); });
        CHECK(house.complete(warm));
        CHECK(house.exact(warm, both_series));
        CHECK(warm.order == both_series);
        CHECK(warm.told == 1);
        CHECK(warm.expected.size() == 5);
        CHECK(house.far.asked == List{"study 1.2.1"});
        const CacheCounters counters = house.cache->counters();
        CHECK(counters.hits == 5);
        CHECK(counters.misses == 5);
        CHECK(counters.kept == 5);
        CHECK(counters.hit_bytes == 3'004'000);
    }
}

TEST_CASE("a series of a study that is here needs no question while the list is young")
{
    FilledHouse house;
    house.retrieve(study_question(1));
    house.forget_asked();
    const Taker& series = house.retrieve(series_question(1, 1));
    CHECK(house.complete(series));
    CHECK(house.exact(series, first_series));
    CHECK(house.far.asked.empty());
}

TEST_CASE("a list that has become old is asked again and only what is new is fetched")
{
    FilledHouse house;
    house.retrieve(study_question(1));
    house.forget_asked();
    house.clock.advance(11s);
    CHECK(house.complete(house.retrieve(series_question(1, 1))));
    CHECK(house.far.asked == List{"find 1.2.1/1.2.1.1/"});
    house.forget_asked();
    house.far.has.push_back(far_instance(1, 1, 4));
    house.clock.advance(11s);
    const Taker& grown = house.retrieve(study_question(1));
    CHECK(house.complete(grown));
    CHECK(grown.got.size() == 6);
    CHECK(house.far.asked == List{"find 1.2.1//", "image 1.2.1/1.2.1.1/1.2.1.1.4"});
}

TEST_CASE("an instance that the origin no longer lists is not given with its series")
{
    FilledHouse house;
    house.retrieve(study_question(1));
    house.far.has.erase(house.far.has.begin());
    house.clock.advance(11s);
    const Taker& taker = house.retrieve(series_question(1, 1));
    CHECK(house.complete(taker));
    CHECK(house.exact(taker, {"1.2.1.1.2", "1.2.1.1.3"}));
}

TEST_CASE("a single instance that is here is given without a question")
{
    FilledHouse house;
    house.retrieve(study_question(1));
    house.forget_asked();
    house.clock.advance(1h);
    const Taker& taker = house.retrieve(image_question(1, 1, {2}));
    CHECK(house.complete(taker));
    CHECK(house.exact(taker, {"1.2.1.1.2"}));
    REQUIRE(taker.expected.size() == 1);
    CHECK(taker.expected.front() == house.far.has[1].key);
    CHECK(house.far.asked.empty());
}

TEST_CASE("one instance means one instance")
{
    FilledHouse house;
    const Taker& taker = house.retrieve(image_question(1, 1, {2}));
    CHECK(house.exact(taker, {"1.2.1.1.2"}));
    CHECK(house.far.asked == List{"image 1.2.1/1.2.1.1/1.2.1.1.2"});
    house.forget_asked();
    house.retrieve(series_question(1, 1));
    CHECK(
        house.far.asked == List{"find 1.2.1/1.2.1.1/", "image 1.2.1/1.2.1.1/1.2.1.1.1,1.2.1.1.3"}
    );
    house.forget_asked();
    house.retrieve(study_question(1));
    CHECK(house.far.asked == List{"find 1.2.1//", "series 1.2.1/1.2.1.2"});
    CHECK(house.far.given.size() == 5);
}

TEST_CASE("what became too old is fetched again")
{
    FilledHouse house;
    house.retrieve(series_question(1, 1));
    house.clock.advance(25h);
    const Taker& taker = house.retrieve(series_question(1, 1));
    CHECK(house.complete(taker));
    CHECK(house.exact(taker, first_series));
    CHECK(house.far.given.at("1.2.1.1.1") == 2);
    CHECK(house.files().size() == 3);
}

TEST_CASE("a clock that is set back makes nothing young again")
{
    FilledHouse house;
    house.retrieve(series_question(1, 1));
    house.clock.jump(-48h);
    CHECK(house.complete(house.retrieve(image_question(1, 1, {1}))));
    CHECK(house.far.given.at("1.2.1.1.1") == 2);
}

TEST_CASE("several studies and those of unknown place are asked for by their lists")
{
    FilledHouse house;
    RetrieveQuestion question = study_question(1);
    question.studies.push_back(uid("1.2.2"));
    const Taker& taker = house.retrieve(question);
    CHECK(house.complete(taker));
    CHECK(taker.got.size() == 6);
    RetrieveQuestion relational;
    relational.level = QueryLevel::image;
    relational.instances = {uid("1.2.1.1.1")};
    CHECK(house.exact(house.retrieve(relational), {"1.2.1.1.1"}));
    CHECK(house.far.given.at("1.2.1.1.1") == 1);
}

TEST_CASE("nothing that matches is complete and empty")
{
    FilledHouse house;
    const Taker& taker = house.retrieve(study_question(7));
    CHECK(house.complete(taker));
    CHECK(taker.told == 1);
    CHECK(taker.expected.empty());
    CHECK(taker.got.empty());
}

TEST_CASE("what is stored through the cache is asked for and fetched again")
{
    FilledHouse house;
    house.retrieve(series_question(1, 1));
    house.far.has.front().data_set = "changed";
    CHECK(house.retrieve(series_question(1, 1)).got.at("1.2.1.1.1") != "changed");
    house.forget_asked();
    house.store(house.far.has.front());
    CHECK(house.exact(house.retrieve(series_question(1, 1)), first_series));
    CHECK(house.far.asked == List{"find 1.2.1/1.2.1.1/", "image 1.2.1/1.2.1.1/1.2.1.1.1"});
}

TEST_CASE("an origin that is away leaves what is known and never says that it is all")
{
    FilledHouse house;
    house.retrieve(series_question(1, 1));
    house.clock.advance(1min);
    house.far.find_fails = FindEnd{false, Shortfall::unavailable, "nobody there"};
    house.far.fails = RetrieveEnd{false, Shortfall::unavailable, {}, "nobody there"};
    const Taker& taker = house.retrieve(series_question(1, 1));
    CHECK(taker.got.size() == 3);
    REQUIRE(taker.end);
    CHECK_FALSE(taker.end->complete);
    CHECK(taker.end->shortfall == Shortfall::unavailable);
    CHECK(taker.end->missing.empty());
    CHECK(taker.end->reason.find("60 s ago") != std::string::npos);
    CHECK(house.complete(house.retrieve(image_question(1, 1, {1}))));
}

TEST_CASE("an origin that is away and of which nothing is known gives its reason")
{
    FilledHouse house;
    house.far.fails = RetrieveEnd{false, Shortfall::timed_out, {}, "silence"};
    const Taker& taker = house.retrieve(series_question(1, 1));
    REQUIRE(taker.end);
    CHECK_FALSE(taker.end->complete);
    CHECK(taker.end->shortfall == Shortfall::timed_out);
    CHECK(taker.told == 0);
}

TEST_CASE("a retrieve that fails half way names what is missing and keeps what came")
{
    FilledHouse house;
    house.far.breaks_off = RetrieveEnd{false, Shortfall::unavailable, {}, "broken"};
    house.far.most = 2;
    const Taker& taker = house.retrieve(series_question(1, 1));
    REQUIRE(taker.end);
    CHECK_FALSE(taker.end->complete);
    CHECK(taker.end->shortfall == Shortfall::unavailable);
    REQUIRE(taker.end->missing.size() == 1);
    CHECK(taker.end->missing.front().sop_instance.str() == "1.2.1.1.3");
    CHECK(taker.got.size() == 2);
    house.far.breaks_off.reset();
    house.forget_asked();
    CHECK(house.complete(house.retrieve(series_question(1, 1))));
    CHECK(house.far.asked == List{"image 1.2.1/1.2.1.1/1.2.1.1.3"});
}

TEST_CASE("an instance that the origin lists and never gives is missing after a bounded number of "
          "attempts")
{
    FilledHouse house;
    house.far.withheld = {"1.2.1.1.2"};
    const Taker& taker = house.retrieve(series_question(1, 1));
    REQUIRE(taker.end);
    CHECK_FALSE(taker.end->complete);
    CHECK(taker.end->missing.size() == 1);
    CHECK(house.far.retrieves() <= 3);
}

TEST_CASE("classes that are not taken are not fetched")
{
    FilledHouse house;
    house.far.has[1].key.sop.sop_class = uid("1.2.840.10008.5.1.4.1.1.7");
    Taker& taker = house.start(series_question(1, 1), [](Taker& one) {
        one.unwanted = {"1.2.840.10008.5.1.4.1.1.7"};
    });
    house.run_until([&] { return taker.end.has_value(); });
    CHECK(house.complete(taker));
    CHECK(house.exact(taker, {"1.2.1.1.1", "1.2.1.1.3"}));
    CHECK(house.far.given.count("1.2.1.1.2") == 0);
    CHECK(house.complete(house.retrieve(series_question(1, 1))));
    CHECK(house.far.given.at("1.2.1.1.2") == 1);
    CHECK(house.far.given.at("1.2.1.1.1") == 1);
}

TEST_CASE("instances that are not read whole are not read into memory")
{
    for (const bool whole : {true, false}) {
        FilledHouse house;
        house.retrieve(series_question(1, 1));
        Taker& taker = house.start(series_question(1, 1), [whole](Taker& one) {
            one.whole = whole;
            one.by = Taker::By::random_access;
        });
        house.run_until([&] { return taker.end.has_value(); });
        CHECK(house.exact(taker, first_series));
        CHECK(taker.opened == (whole ? 0 : 3));
    }
}

TEST_CASE("a taker that refuses ends the retrieve")
{
    FilledHouse house;
    Taker& taker = house.start(series_question(1, 1), [](Taker& one) { one.refuses_after = 1; });
    house.run_until([&] { return taker.end.has_value(); });
    CHECK_FALSE(taker.end->complete);
    CHECK(taker.end->missing.size() == 2);
    house.run_until([&] { return house.far.under_way == 0; });
}
