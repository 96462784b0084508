// Several who ask a cached origin for the same at the same time.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/gateway/cache_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

using List = std::vector<std::string>;

struct SharedHouse : CacheHouse {
    explicit SharedHouse(std::function<void(CacheOptions&)> change = {})
        : CacheHouse(std::move(change))
    {
        for (unsigned series = 1; series <= 2; ++series)
            for (unsigned number = 1; number <= 10; ++number)
                far.has.push_back(far_instance(1, series, number));
    }

    List of_series(unsigned series) const
    {
        List out;
        const std::string prefix = "1.2.1." + std::to_string(series) + '.';
        for (const FarInstance& one : far.has)
            if (one.key.sop.sop_instance.str().starts_with(prefix))
                out.push_back(one.key.sop.sop_instance.str());
        return out;
    }

    List of_study() const
    {
        List out = of_series(1);
        for (std::string& one : of_series(2))
            out.push_back(std::move(one));
        return out;
    }

    unsigned most_given() const
    {
        unsigned most = 0;
        for (const auto& [name, times] : far.given)
            most = std::max(most, times);
        return most;
    }

    void run_to_end(const Taker& taker)
    {
        run_until([&] { return taker.end.has_value(); });
    }

    static void stands(Taker& taker) { taker.allowed = 0; }
};

} // namespace

TEST_CASE("simultaneous requests for the same share one fetch")
{
    SharedHouse house;
    std::vector<Taker*> takers;
    for (int i = 0; i < 5; ++i)
        takers.push_back(&house.start(study_question(1)));
    for (const Taker* taker : takers) {
        house.run_to_end(*taker);
        CHECK(house.complete(*taker));
        CHECK(house.exact(*taker, house.of_study()));
        CHECK(taker->told == 1);
    }
    CHECK(house.far.asked == List{"study 1.2.1"});
    CHECK(house.most_given() == 1);
}

TEST_CASE("simultaneous requests share the question what there is")
{
    SharedHouse house;
    house.retrieve(series_question(1, 1));
    house.far.asked.clear();
    house.clock.advance(std::chrono::minutes(1));
    Taker& first = house.start(series_question(1, 1));
    Taker& second = house.start(series_question(1, 1));
    house.run_to_end(first);
    house.run_to_end(second);
    CHECK(house.exact(first, house.of_series(1)));
    CHECK(house.exact(second, house.of_series(1)));
    CHECK(house.far.asked == List{"find 1.2.1/1.2.1.1/"});
}

TEST_CASE("a part of what is being fetched is waited for and had as soon as it has come")
{
    SharedHouse house;
    house.far.allow(4);
    Taker& study = house.start(study_question(1));
    house.run_until([&] { return study.got.size() == 4; });
    Taker& series = house.start(series_question(1, 1));
    Taker& image = house.start(image_question(1, 1, {6}));
    house.run_until([&] { return series.got.size() == 4; });
    house.far.allow(2);
    house.run_to_end(image);
    CHECK(house.exact(image, {"1.2.1.1.6"}));
    house.run_until([&] { return series.got.size() == 6; });
    CHECK_FALSE(series.end);
    house.far.allow(100);
    house.run_to_end(series);
    house.run_to_end(study);
    CHECK(house.exact(series, house.of_series(1)));
    CHECK(house.exact(study, house.of_study()));
    CHECK(house.far.retrieves() == 1);
    CHECK(house.most_given() == 1);
}

TEST_CASE("of a study whose one series is on its way only the other is fetched")
{
    SharedHouse house;
    house.far.allow(3);
    Taker& series = house.start(series_question(1, 1));
    house.run_until([&] { return series.got.size() == 3; });
    Taker& study = house.start(study_question(1));
    house.run_until([&] { return house.far.retrieves() == 2; });
    house.far.allow(100);
    house.run_to_end(study);
    house.run_to_end(series);
    CHECK(house.exact(study, house.of_study()));
    CHECK(house.exact(series, house.of_series(1)));
    CHECK(house.most_given() == 1);
    CHECK(house.far.asked == List{"series 1.2.1/1.2.1.1", "find 1.2.1//", "series 1.2.1/1.2.1.2"});
}

TEST_CASE("a fetch goes on while one of those who wait is there and ends with the last")
{
    SharedHouse house;
    house.far.allow(4);
    Taker& first = house.start(study_question(1));
    Taker& second = house.start(study_question(1));
    house.run_until([&] { return first.got.size() == 4 && second.got.size() == 4; });
    house.cancel(first);
    house.settle();
    CHECK(house.far.under_way == 1);
    house.far.allow(2);
    house.run_until([&] { return second.got.size() == 6; });
    house.cancel(second);
    house.run_until([&] { return house.far.under_way == 0; });
    CHECK(house.far.cancelled == 1);
    house.far.allow(100);
    const Taker& third = house.retrieve(study_question(1));
    CHECK(house.complete(third));
    CHECK(house.exact(third, house.of_study()));
    CHECK(house.most_given() == 1);
}

TEST_CASE("a fetch ends as well when who is left has had its part of it")
{
    SharedHouse house;
    house.far.allow(4);
    Taker& study = house.start(study_question(1));
    Taker& image = house.start(image_question(1, 1, {2}), SharedHouse::stands);
    house.run_until([&] { return study.got.size() == 4; });
    house.cancel(study);
    house.run_until([&] { return house.far.under_way == 0; });
    image.allow(1);
    house.run_to_end(image);
    CHECK(house.exact(image, {"1.2.1.1.2"}));
}

TEST_CASE("a fetch runs so far ahead of a slow taker and no further")
{
    SharedHouse house([](CacheOptions& options) { options.ahead_instances = 4; });
    Taker& slow = house.start(study_question(1), SharedHouse::stands);
    house.settle();
    CHECK(house.far.given.size() == 4);
    slow.allow(3);
    house.settle();
    CHECK(slow.got.size() == 3);
    CHECK(house.far.given.size() == 7);
    slow.allow(100);
    house.run_to_end(slow);
    CHECK(house.exact(slow, house.of_study()));
}

TEST_CASE("what lies ahead is bounded by its size too")
{
    SharedHouse house([](CacheOptions& options) { options.ahead_bytes = {2'500}; });
    Taker& slow = house.start(study_question(1), SharedHouse::stands);
    house.settle();
    CHECK(house.far.given.size() == 3);
    slow.allow(100);
    house.run_to_end(slow);
    CHECK(house.exact(slow, house.of_study()));
}

TEST_CASE("a slow taker does not hold up a fast one")
{
    SharedHouse house([](CacheOptions& options) { options.ahead_instances = 2; });
    Taker& slow = house.start(study_question(1), SharedHouse::stands);
    Taker& fast = house.start(study_question(1));
    house.run_to_end(fast);
    CHECK(house.exact(fast, house.of_study()));
    CHECK(slow.got.empty());
    slow.allow(100);
    house.run_to_end(slow);
    CHECK(house.exact(slow, house.of_study()));
    CHECK(house.most_given() == 1);
}

TEST_CASE("a fetch that fails half way says so to all who wait for what is missing")
{
    SharedHouse house;
    house.far.breaks_off = RetrieveEnd{false, Shortfall::timed_out, {}, "silence"};
    house.far.most = 12;
    Taker& study = house.start(study_question(1));
    Taker& first = house.start(series_question(1, 1));
    Taker& second = house.start(series_question(1, 2));
    for (const Taker* taker : {&study, &first, &second})
        house.run_to_end(*taker);
    CHECK(house.complete(first));
    for (const Taker* taker : {&study, &second}) {
        CHECK_FALSE(taker->end->complete);
        CHECK(taker->end->shortfall == Shortfall::timed_out);
        CHECK(taker->end->missing.size() == 8);
        CHECK(taker->end->reason.find("silence") != std::string::npos);
    }
    CHECK(house.exact(first, house.of_series(1)));
    CHECK(house.most_given() == 1);
}

TEST_CASE("a class is fetched where one of those who wait takes it")
{
    SharedHouse house;
    const auto picky = [](Taker& taker) { taker.unwanted = {"1.2.840.10008.5.1.4.1.1.2"}; };
    Taker& none = house.start(series_question(1, 1), picky);
    Taker& all = house.start(series_question(1, 1));
    house.run_to_end(none);
    house.run_to_end(all);
    CHECK(house.complete(none));
    CHECK(none.got.empty());
    CHECK(house.exact(all, house.of_series(1)));
    Taker& again = house.start(series_question(1, 2), picky);
    house.run_to_end(again);
    CHECK(house.complete(again));
    CHECK(house.far.given.size() == 10);
}

TEST_CASE("who is still preparing does not hold up one who takes all")
{
    SharedHouse house;
    Taker& preparing = house.start(series_question(1, 1), [](Taker& one) {
        one.prepares = true;
        one.unwanted = {"1.2.840.10008.5.1.4.1.1.2"};
    });
    Taker& all = house.start(series_question(1, 1));
    house.run_to_end(all);
    CHECK(house.exact(all, house.of_series(1)));
    CHECK_FALSE(preparing.end);
    preparing.ready();
    house.run_to_end(preparing);
    CHECK(house.complete(preparing));
    CHECK(preparing.got.empty());
    CHECK(house.most_given() == 1);
}

TEST_CASE("what cannot be kept is given to all who wait and fetched once for one")
{
    for (const bool hidden : {false, true}) {
        CAPTURE(hidden);
        SharedHouse house([](CacheOptions& options) { options.max_size = {100}; });
        house.far.hidden = hidden;
        const Taker& one = house.retrieve(study_question(1));
        CHECK(house.complete(one));
        CHECK(house.exact(one, house.of_study()));
        CHECK(house.most_given() == 1);
        CHECK(house.cache->instances() == 0);
        Taker& first = house.start(study_question(1));
        Taker& second = house.start(study_question(1));
        house.run_to_end(first);
        house.run_to_end(second);
        CHECK(house.exact(first, house.of_study()));
        CHECK(house.exact(second, house.of_study()));
        if (!hidden)
            CHECK(house.most_given() == 2);
    }
}

TEST_CASE("who is too slow for what cannot be kept has it fetched again")
{
    SharedHouse house([](CacheOptions& options) {
        options.max_size = {100};
        options.ahead_instances = 3;
    });
    Taker& slow = house.start(study_question(1), SharedHouse::stands);
    Taker& fast = house.start(study_question(1));
    house.run_to_end(fast);
    CHECK(house.exact(fast, house.of_study()));
    slow.allow(100);
    house.run_to_end(slow);
    CHECK(house.complete(slow));
    CHECK(house.exact(slow, house.of_study()));
}
