// Whatever is asked for at the same time, by whom, at what pace, with how little room: each gets
// exactly what it asked for, bit for bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "tests/gateway/cache_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

using List = std::vector<std::string>;

constexpr unsigned studies = 3;
constexpr unsigned series_of_each = 3;
constexpr unsigned numbers = 12;

class Crowd {
public:
    explicit Crowd(unsigned seed)
        : random_(seed), house_([this](CacheOptions& options) {
              options.max_size = {pick(5'000, 150'000)};
              options.ahead_instances = pick(1, 8);
              options.in_memory = {pick(0, 20'000)};
          })
    {
        for (unsigned study = 1; study <= studies; ++study)
            for (unsigned series = 1; series <= series_of_each; ++series)
                for (unsigned number = 1; number <= numbers; ++number)
                    house_.far.has.push_back(far_instance(study, series, number, pick(0, 4'000)));
        for (const FarInstance& one : house_.far.has)
            if (pick(0, 9) == 0)
                house_.far.in_a_file.insert(one.key.sop.sop_instance.str());
    }

    CacheCounters counters() const { return house_.cache->counters(); }

    void run(unsigned rounds)
    {
        for (unsigned round = 0; round < rounds; ++round) {
            house_.far.allow(pick(0, 30));
            house_.clock.advance(std::chrono::milliseconds(pick(0, 3'000)));
            begin();
            if (pick(0, 3) == 0)
                house_.settle();
            if (pick(0, 5) == 0)
                cancel(any());
            any().taker->allow(pick(0, 40));
        }
        finish();
    }

private:
    struct One {
        Taker* taker;
        List wanted;
        bool cancelled = false;
    };

    std::size_t pick(std::size_t from, std::size_t to)
    {
        return std::uniform_int_distribution<std::size_t>(from, to)(random_);
    }

    One& any()
    {
        One& one = crowd_[pick(0, crowd_.size() - 1)];
        return one;
    }

    void cancel(One& one)
    {
        house_.cancel(*one.taker);
        one.cancelled = !one.taker->end;
    }

    void begin()
    {
        const auto study = static_cast<unsigned>(pick(1, studies));
        const auto series = static_cast<unsigned>(pick(1, series_of_each));
        RetrieveQuestion question = study_question(study);
        const std::size_t kind = pick(0, 3);
        if (kind == 1)
            question = series_question(study, series);
        if (kind >= 2) {
            std::vector<unsigned> some;
            for (unsigned number = 1; number <= numbers; ++number)
                if (pick(0, kind == 2 ? 11 : 2) == 0)
                    some.push_back(number);
            if (some.empty())
                some.push_back(1);
            question = image_question(study, series, some);
        }
        One one{};
        for (const FarInstance& there : house_.far.has)
            if (asks_for(question, there.key))
                one.wanted.push_back(there.key.sop.sop_instance.str());
        one.taker = &house_.start(std::move(question), [this](Taker& taker) {
            taker.allowed = pick(0, 1) == 0 ? pick(0, 10) : SIZE_MAX;
            taker.by = static_cast<Taker::By>(pick(0, 2));
        });
        crowd_.push_back(std::move(one));
    }

    static bool asks_for(const RetrieveQuestion& question, const InstanceKey& key)
    {
        const auto among = [](const std::vector<Uid>& uids, const Uid& one) {
            return uids.empty() || std::ranges::find(uids, one) != uids.end();
        };
        return among(question.studies, key.study) && among(question.series, key.series) &&
               among(question.instances, key.sop.sop_instance);
    }

    void finish()
    {
        house_.far.allow(SIZE_MAX);
        for (One& one : crowd_)
            one.taker->allow(SIZE_MAX);
        std::size_t ended = 0;
        for (const One& one : crowd_) {
            if (one.cancelled)
                continue;
            house_.run_until([&] { return one.taker->end.has_value(); });
            CHECK(one.taker->end->complete);
            CHECK(one.taker->failed.empty());
            CHECK(house_.exact(*one.taker, one.wanted));
            CHECK(one.taker->told == 1);
            ++ended;
        }
        CHECK(ended > crowd_.size() / 2);
        house_.settle();
        CHECK(house_.far.under_way == 0);
        CHECK(house_.cache->size().count <= house_.options.max_size.count);
    }

    std::mt19937 random_;
    CacheHouse house_;
    std::vector<One> crowd_;
};

} // namespace

TEST_CASE("interleaved retrieves of overlapping sets each get exactly what they asked for")
{
    CacheCounters sum;
    for (unsigned seed = 1; seed <= 25; ++seed) {
        CAPTURE(seed);
        Crowd crowd(seed);
        crowd.run(40);
        const CacheCounters counters = crowd.counters();
        sum.hits += counters.hits;
        sum.misses += counters.misses;
        sum.evicted += counters.evicted;
        sum.not_kept += counters.not_kept;
    }
    // All of this was tried.
    CHECK(sum.hits > 1'000);
    CHECK(sum.misses > 1'000);
    CHECK(sum.evicted > 100);
    CHECK(sum.not_kept > 100);
}
