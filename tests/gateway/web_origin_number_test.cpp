// A retrieve that begins with how many instances there are: complete is still what has come of all
// that the archive has, and what is missing is named.
#include "gateway/error.h"

#include <doctest/doctest.h>

#include "tests/gateway/wado_support.h"

using namespace gantry;
using namespace gantry::tests;

namespace {

constexpr unsigned first = 120;
constexpr unsigned second = 40;
const char* const series_1 = "/series/1.2.3.1";
const char* const series_2 = "/series/1.2.3.2";

std::string name_of(unsigned series, unsigned number)
{
    return instance_of(series, number).instance;
}

// Two series, too many to be listed.
struct Large : WadoHouse {
    Large()
    {
        for (unsigned number = 1; number <= first; ++number)
            has(instance_of(1, number));
        for (unsigned number = 1; number <= second; ++number)
            has(instance_of(2, number));
        taker.by_number = true;
    }

    // In the series' own answer; by instance they are there.
    void leave_out(unsigned from, unsigned to)
    {
        std::vector<Sample> rest;
        for (unsigned number = 1; number <= first; ++number)
            if (number < from || number > to)
                rest.push_back(instance_of(1, number));
        on(series_1, wado_files(rest));
    }

    std::size_t listed() const
    {
        return static_cast<std::size_t>(std::ranges::count_if(find.asked, [](const auto& asked) {
            return asked.starts_with("image");
        }));
    }
};

} // namespace

TEST_CASE("what an archive can count is not listed before it is fetched")
{
    Large house;
    const RetrieveEnd end = house.retrieve_study();
    CHECK(end.complete);
    CHECK(house.taker.received().size() == first + second);
    CHECK(house.taker.numbers == std::vector<std::uint64_t>{first + second});
    REQUIRE(house.taker.examples.size() == 2);
    CHECK_FALSE(house.taker.expected);
    CHECK_FALSE(house.taker.twice);
    CHECK(house.listed() == 2); // one example of each series
    CHECK(house.targets().size() == 2);
}

TEST_CASE("instances are listed first where numbers will not do")
{
    struct Row {
        const char* says;
        void (*prepare)(Large&);
    };

    const Row rows[] = {
        {"for who needs names", [](Large& house) { house.taker.by_number = false; }},
        {"where it does not count", [](Large& house) { house.find.counts["1.2.3.2"] = ""; }},
        {"where it counts in words", [](Large& house) { house.find.counts["1.2.3.1"] = "many"; }},
        {"where there are few", [](Large& house) { house.find.counts["1.2.3.1"] = "30"; }},
        {"where whole series are not to be had",
         [](Large& house) { house.room->profile.series_level = false; }},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        Large house;
        row.prepare(house);
        const RetrieveEnd end = house.retrieve_study();
        CHECK(end.complete);
        REQUIRE(house.taker.expected);
        CHECK(house.taker.expected->size() == first + second);
        CHECK(house.taker.numbers.empty());
        CHECK(house.taker.received().size() == first + second);
    }
}

TEST_CASE("where the number is not what came the names decide")
{
    struct Row {
        const char* says;
        const char* count; // of the first series
        std::pair<unsigned, unsigned> left_out;
        std::set<unsigned> gone; // by instance, too
        std::uint64_t total;     // in the end
    };

    const Row rows[] = {
        {"it counts too many", "121", {0, 0}, {}, 160},
        {"it counts too few", "119", {0, 0}, {}, 160},
        {"it leaves some out of a 200", "120", {7, 9}, {}, 160},
        {"some are not to be had at all", "120", {7, 9}, {8}, 160},
        {"it leaves out as many as it does not count", "117", {7, 9}, {}, 157},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        Large house;
        house.find.counts["1.2.3.1"] = row.count;
        if (row.left_out.first != 0)
            house.leave_out(row.left_out.first, row.left_out.second);
        Names missing;
        for (const unsigned number : row.gone) {
            missing.insert(name_of(1, number));
            house.on("/instances/" + name_of(1, number), Reply::with(404));
        }
        const RetrieveEnd end = house.retrieve_study();
        CHECK(missing_of(end) == missing);
        CHECK(end.complete == missing.empty());
        CHECK(house.taker.received().size() == row.total - missing.size());
        CHECK(house.taker.numbers.back() == row.total);
        CHECK_FALSE(house.taker.twice);
    }
}

TEST_CASE("an answer that breaks off is completed by name")
{
    Large house;
    std::vector<std::string> files;
    for (unsigned number = 1; number <= 70; ++number)
        files.push_back(instance_of(1, number).file());
    house.on(series_1, multipart(parts_of(files, false)));
    const RetrieveEnd end = house.retrieve_study();
    CHECK(end.complete);
    CHECK(house.taker.received().size() == first + second);
    CHECK(house.targets().size() == 2 + (first - 70));
}

TEST_CASE("an archive that goes away leaves what it never named missing by number")
{
    Large house;
    house.on(series_1, Reply::with(503));
    house.on(series_2, Reply::with(503));
    const RetrieveEnd end = house.retrieve_study();
    CHECK_FALSE(end.complete);
    CHECK(end.shortfall == Shortfall::unavailable);
    CHECK(end.missing.empty());
    CHECK(end.reason.starts_with("160 of 160 instances missing"));
}

TEST_CASE("an archive that does not say the names either is not complete")
{
    Large house;
    house.leave_out(7, 9);
    house.find.fails_after = [&house]() -> std::optional<FindEnd> {
        if (house.listed() < 3) // an example of each series
            return std::nullopt;
        return FindEnd{false, Shortfall::timed_out, "silent"};
    };
    const RetrieveEnd end = house.retrieve_study();
    CHECK_FALSE(end.complete);
    CHECK(end.shortfall == Shortfall::timed_out);
    CHECK(house.taker.received().size() == first + second - 3);
    CHECK(end.reason.starts_with("3 of 160 instances missing: silent"));
}

TEST_CASE("what says that it belongs elsewhere is not taken for what was counted")
{
    Large house;
    std::vector<Sample> files{instance_of(9, 1)};
    for (unsigned number = 1; number <= first; ++number)
        files.push_back(instance_of(1, number));
    house.on(series_1, wado_files(files));
    const RetrieveEnd end = house.retrieve_study();
    CHECK(end.complete);
    CHECK_FALSE(house.taker.received().contains(name_of(9, 1)));
    CHECK(house.listed() == 2);
}

TEST_CASE("of what nobody takes the names are told and nothing is fetched")
{
    Large house;
    house.taker.accepts = [](const Uid&) { return std::vector<Uid>{}; };
    const RetrieveEnd end = house.retrieve_study();
    CHECK(end.complete);
    CHECK(house.targets().empty());
    REQUIRE(house.taker.expected);
    CHECK(house.taker.expected->size() == second); // of the last series that was told
}

TEST_CASE("an asker that stops is told the names of all that it did not get")
{
    Large house;
    SUBCASE("before the first")
    {
        house.taker.unreachable = error(Errc::closed, "gone");
    }
    SUBCASE("half way")
    {
        house.taker.refuses = [&](const InstanceKey&) -> Result<void> {
            if (house.taker.order.size() == 50)
                return error(Errc::closed, "gone");
            return {};
        };
    }
    const RetrieveEnd end = house.retrieve_study();
    CHECK_FALSE(end.complete);
    CHECK(end.shortfall == Shortfall::failed);
    CHECK(missing_of(end).size() == first + second - house.taker.received().size());
}
