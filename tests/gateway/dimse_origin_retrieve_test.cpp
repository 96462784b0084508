#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/gateway/dimse_origin_support.h"

using namespace gantry;
using namespace gantry::tests;
using std::chrono::milliseconds;
using End = PacsRetrieve::End;

namespace {

const char* const photographic = "1.2.840.10008.5.1.4.1.1.77.1.4";

} // namespace

TEST_CASE("exactly what was asked for is asked of the archive (PS3.4 C.4.3)")
{
    struct Row {
        const char* says;
        RetrieveQuestion question;
        const char* identifier;
        Names gives;
    };

    const Row rows[] = {
        {"a study",
         of_study(),
         "0008,0052=STUDY | 0020,000d=1.2.3",
         {"1.2.3.1.1", "1.2.3.1.2", "1.2.3.1.3", "1.2.3.2.1", "1.2.3.2.2", "1.2.3.2.3"}},
        {"a series",
         of_series("1.2.3.2"),
         "0008,0052=SERIES | 0020,000d=1.2.3 | 0020,000e=1.2.3.2",
         {"1.2.3.2.1", "1.2.3.2.2", "1.2.3.2.3"}},
        {"one instance",
         of_instances({"1.2.3.1.2"}),
         "0008,0018=1.2.3.1.2 | 0008,0052=IMAGE | 0020,000d=1.2.3 | 0020,000e=1.2.3.1",
         {"1.2.3.1.2"}},
        {"two instances",
         of_instances({"1.2.3.1.1", "1.2.3.1.3"}),
         "0008,0018=1.2.3.1.1\\1.2.3.1.3 | 0008,0052=IMAGE | 0020,000d=1.2.3 | 0020,000e=1.2.3.1",
         {"1.2.3.1.1", "1.2.3.1.3"}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DimseHouse house;
        house.holds(1, 3);
        house.holds(2, 3);
        const auto end = house.retrieve(row.question);
        CHECK(end.complete);
        CHECK(house.sink.received() == row.gives);
        CHECK(house.sink.expected.size() == row.gives.size());
        CHECK(house.same(house.sink));
        CHECK_FALSE(house.sink.twice);
        const auto asked = house.pacs.asked(0x0010);
        REQUIRE(asked.size() == 1);
        CHECK(asked.front().identifier == row.identifier);
        CHECK(house.moves() == 0);
    }
}

TEST_CASE("an instance says where it stands and how it is encoded")
{
    DimseHouse house;
    house.holds(1, 1);
    CHECK(house.retrieve().complete);
    const InstanceKey& key = house.sink.keys.at("1.2.3.1.1");
    CHECK(key.study.str() == "1.2.3");
    CHECK(key.series.str() == "1.2.3.1");
    CHECK(key.sop.sop_class.str() == ct_image);
    CHECK(key.transfer_syntax.str() == explicit_le);
}

TEST_CASE("nothing there is a complete retrieve of nothing")
{
    DimseHouse house;
    house.holds(1, 1);
    const auto end = house.retrieve(of_study("9.9"));
    CHECK(end.complete);
    CHECK(end.missing.empty());
    CHECK(house.gets() == 0);
}

TEST_CASE("a slow asker holds up the C-STORE-RSP and is never given two of one association")
{
    DimseHouse house;
    house.holds(1, 6);
    std::size_t at_once = 0;
    std::size_t most = 0;
    bool ahead = false;
    house.sink.pauses = [&]() -> asio::awaitable<void> {
        most = std::max(most, ++at_once);
        asio::steady_timer timer(co_await asio::this_coro::executor, milliseconds(20));
        (void)co_await timer.async_wait(use_tuple);
        ahead = ahead || house.pacs.store_answers().size() > house.sink.data_sets.size();
        --at_once;
    };
    CHECK(house.retrieve().complete);
    CHECK(most == 1);
    CHECK_FALSE(ahead);
}

TEST_CASE("an asker that wants no more ends the retrieve")
{
    DimseHouse house;
    house.holds(1, 20);
    house.sink.refuses = [&](const InstanceKey&) -> Result<void> {
        if (house.sink.data_sets.size() < 3)
            return {};
        return Error{make_error_code(boost::system::errc::io_error), "enough"};
    };
    const auto end = house.retrieve();
    CHECK_FALSE(end.complete);
    CHECK(end.missing.size() == 17);
    CHECK(end.shortfall == Shortfall::failed);
    CHECK(end.reason.find("enough") != std::string::npos);
    CHECK(house.gets() == 1);
    CHECK(house.pacs.wait_open(0));
    house.sink.refuses = {};
    check_next_works(house);
}

TEST_CASE("a class that is not wanted is not fetched")
{
    DimseHouse house;
    house.holds(1, 2);
    auto report = pacs_instance("1.2.3", "1.2.3.1", "1.2.3.1.9");
    report.sop_class = mr_image;
    house.pacs.hold(report);
    house.sink.accepts = [](const Uid& sop_class) -> std::optional<std::vector<Uid>> {
        if (sop_class.str() == mr_image)
            return std::vector<Uid>{};
        return std::nullopt;
    };
    const auto end = house.retrieve();
    CHECK(end.complete);
    CHECK(house.sink.received() == numbered(1, 2));
    const auto asked = house.pacs.asked(0x0010);
    REQUIRE(asked.size() == 1);
    CHECK(asked.front().identifier.find("0008,0018=1.2.3.1.1\\1.2.3.1.2") != std::string::npos);
}

TEST_CASE("where the archive does not tell the class the usual ones are proposed")
{
    PacsScript script;
    script.find.left_out = {Tag{0x0008, 0x0016}};
    DimseHouse house(script);
    house.holds(1, 2);
    auto rare = pacs_instance("1.2.3", "1.2.3.1", "1.2.3.1.9");
    rare.sop_class = photographic; // stands far down the list: another C-GET
    rare.data_set = data_set(
        {{0x00080016, photographic, "UI"},
         {0x00080018, "1.2.3.1.9", "UI"},
         {0x0020000d, "1.2.3", "UI"},
         {0x0020000e, "1.2.3.1", "UI"}}
    );
    house.held["1.2.3.1.9"] = rare.data_set;
    house.pacs.hold(rare);
    const auto end = house.retrieve();
    CHECK(end.complete);
    CHECK(house.same(house.sink));
    CHECK(house.sink.data_sets.size() == 3);
    CHECK(house.gets() > 1);
    CHECK(house.sink.keys.at("1.2.3.1.9").sop.sop_class.str() == photographic);
}

TEST_CASE("what is larger than may lie in memory comes as well, and so does all without memory")
{
    OriginSettings settings;
    settings.origin.in_memory = Bytes{64U << 10U};
    DimseHouse house({}, settings);
    house.holds(1, 3, 300'000);
    house.holds(2, 3, 1'000);
    CHECK(house.retrieve().complete);
    CHECK(house.same(house.sink));
    CHECK(house.sink.data_sets.size() == 6);
    CHECK(house.memory->taken().count == 0);

    const auto all = house.memory->try_take({8U << 20U});
    REQUIRE(all.has_value());
    CHECK(house.retrieve().complete);
    CHECK(house.same(house.sink));
    CHECK(house.sink.data_sets.size() == 6);
}

TEST_CASE("several retrieves at once share an archive that allows two associations")
{
    PacsScript script;
    script.most_associations = 2;
    OriginSettings settings;
    settings.requestor.max_associations = 2;
    DimseHouse house(script, settings);
    house.holds(1, 4);
    house.holds(2, 4);
    std::vector<std::unique_ptr<TakingSink>> sinks;
    std::vector<std::future<RetrieveEnd>> ends;
    for (int i = 0; i < 6; ++i) {
        sinks.push_back(std::make_unique<TakingSink>());
        ends.push_back(asio::co_spawn(
            house.here.loop.loop(),
            house.origin.retrieve(of_series(i % 2 == 0 ? "1.2.3.1" : "1.2.3.2"), *sinks.back()),
            asio::use_future
        ));
    }
    for (auto& end : ends)
        CHECK(end.get().complete);
    for (const auto& sink : sinks) {
        CHECK(sink->data_sets.size() == 4);
        CHECK(house.same(*sink));
    }
    CHECK(house.pacs.most_at_once() <= 2);
}

TEST_CASE("an archive that allows one association is retrieved from with one")
{
    PacsScript script;
    script.most_associations = 1;
    OriginSettings settings;
    settings.requestor.max_associations = 1;
    settings.requestor.keep_idle = milliseconds(10'000);
    DimseHouse house(script, settings);
    house.holds(1, 3);
    CHECK(house.retrieve().complete);
    CHECK(house.retrieve(of_instances({"1.2.3.1.2"})).complete);
    CHECK(house.pacs.most_at_once() == 1);
}

TEST_CASE("a retrieve that is cancelled sends C-CANCEL and leaves nothing behind")
{
    for (const bool in_the_sink : {true, false}) {
        CAPTURE(in_the_sink);
        DimseHouse house;
        house.holds(1, 50);
        if (!in_the_sink)
            house.pacs.change([](PacsScript& script) {
                script.retrieve.most = 3;
                script.retrieve.end = End::silence;
            });
        std::promise<void> under_way;
        bool told = false;
        house.sink.pauses = [&]() -> asio::awaitable<void> {
            if (house.sink.data_sets.size() < 2)
                co_return;
            if (!std::exchange(told, true))
                under_way.set_value();
            if (!in_the_sink)
                co_return;
            asio::steady_timer never(
                co_await asio::this_coro::executor, asio::steady_timer::time_point::max()
            );
            co_await never.async_wait(asio::use_awaitable);
        };
        asio::cancellation_signal cancel;
        std::promise<std::exception_ptr> ended;
        house.here.loop.call([&] {
            asio::co_spawn(
                house.here.loop.loop(),
                house.origin.retrieve(of_study(), house.sink),
                asio::bind_cancellation_slot(
                    cancel.slot(),
                    [&](std::exception_ptr fault, RetrieveEnd) { ended.set_value(fault); }
                )
            );
        });
        under_way.get_future().wait();
        house.here.loop.call([&] { cancel.emit(asio::cancellation_type::terminal); });
        auto end = ended.get_future();
        REQUIRE(end.wait_for(std::chrono::seconds(10)) == std::future_status::ready);
        CHECK(end.get() != nullptr);
        CHECK(house.pacs.wait_open(0));
        CHECK(house.pacs.cancels() == 1);
        CHECK(house.memory->taken().count == 0);
        house.sink.pauses = {};
        check_next_works(house);
    }
}
