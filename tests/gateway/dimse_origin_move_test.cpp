#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <doctest/doctest.h>

#include <future>

#include "tests/gateway/dimse_origin_support.h"

using namespace gantry;
using namespace gantry::tests;
using std::chrono::milliseconds;
using End = PacsRetrieve::End;

namespace {

const char* const study_root_get = "1.2.840.10008.5.1.4.1.2.2.3";

OriginSettings by_move()
{
    OriginSettings settings;
    settings.origin.retrieve_by = DimseOriginOptions::RetrieveBy::move;
    return settings;
}

/// As many retrieves of the study at once.
void check_together(DimseHouse& house, int count)
{
    std::vector<std::unique_ptr<TakingSink>> sinks;
    std::vector<std::future<RetrieveEnd>> ends;
    for (int i = 0; i < count; ++i) {
        sinks.push_back(std::make_unique<TakingSink>());
        ends.push_back(asio::co_spawn(
            house.here.loop.loop(),
            house.origin.retrieve(of_study(), *sinks.back()),
            asio::use_future
        ));
    }
    for (auto& end : ends)
        CHECK(end.get().complete);
    for (const auto& sink : sinks) {
        CHECK(sink->data_sets.size() == house.held.size());
        CHECK(house.same(*sink));
        CHECK_FALSE(sink->twice);
    }
}

} // namespace

TEST_CASE("an archive that refuses C-GET moves to us, and is not asked by C-GET again")
{
    struct Row {
        const char* says;
        void (*script)(PacsScript&);
        bool asks; // a C-GET goes out
    };

    const Row rows[] = {
        {"class refused", [](PacsScript& s) { s.refused_classes = {study_root_get}; }, false},
        {"no role as SCP for us", [](PacsScript& s) { s.grants_roles = false; }, false},
        {"not supported (0122)",
         [](PacsScript& s) {
             s.instead = [](ScriptedPeer& peer, const PacsRequest& request) {
                 if (request.command != 0x0010)
                     return false;
                 peer.send(p_data(
                     request.context,
                     3,
                     command_set(
                         {{0x0002, study_root_get},
                          {0x0100, us(0x8010)},
                          {0x0120, us(request.message_id)},
                          {0x0800, us(0x0101)},
                          {0x0900, us(0x0122)}}
                     )
                 ));
                 return true;
             };
         },
         true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        DimseHouse house;
        house.holds(1, 4);
        house.pacs.change(row.script);
        const auto end = house.retrieve();
        CHECK(end.complete);
        CHECK(house.same(house.sink));
        CHECK(house.sink.data_sets.size() == 4);
        CHECK(house.moves() == 1);
        CHECK(house.gets() == (row.asks ? 1 : 0));
        const std::size_t associations = house.pacs.associations();
        CHECK(house.retrieve(of_instances({"1.2.3.1.2"})).complete);
        CHECK(house.sink.received() == Names{"1.2.3.1.2"});
        CHECK(house.moves() == 2);
        CHECK(house.gets() == (row.asks ? 1 : 0));
        CHECK(house.pacs.associations() == associations + 2); // C-FIND, C-MOVE
    }
}

TEST_CASE("a C-MOVE goes to our own title and asks for exactly what is wanted (PS3.4 C.4.2)")
{
    DimseHouse house({}, by_move());
    house.holds(1, 2);
    house.holds(2, 2);
    CHECK(house.retrieve(of_series("1.2.3.2")).complete);
    CHECK(house.sink.received() == Names{"1.2.3.2.1", "1.2.3.2.2"});
    const auto asked = house.pacs.asked(0x0021);
    REQUIRE(asked.size() == 1);
    CHECK(asked.front().destination == "GANTRY");
    CHECK(asked.front().identifier == "0008,0052=SERIES | 0020,000d=1.2.3 | 0020,000e=1.2.3.2");
    CHECK(house.gets() == 0);
}

TEST_CASE("an archive that misbehaves in a C-MOVE has an exact outcome and the next one works")
{
    struct Row {
        const char* says;
        void (*script)(PacsScript&);
        bool complete;
        Shortfall shortfall;
        std::size_t missing; // of 4
        std::size_t moves;
    };

    const Row rows[] = {
        {"no originator", [](PacsScript& s) { s.retrieve.originator = false; }, true, {}, 0, 1},
        {"the final response before the last C-STORE",
         [](PacsScript& s) { s.retrieve.final_first = true; },
         true,
         {},
         0,
         1},
        {"that, and no originator",
         [](PacsScript& s) {
             s.retrieve.final_first = true;
             s.retrieve.originator = false;
         },
         true,
         {},
         0,
         1},
        {"each comes twice", [](PacsScript& s) { s.retrieve.twice = true; }, true, {}, 0, 1},
        {"counts too many", [](PacsScript& s) { s.retrieve.miscount = 3; }, true, {}, 0, 1},
        {"implicit only", [](PacsScript& s) { s.syntaxes = {implicit_le}; }, true, {}, 0, 1},
        {"ends after two and calls that a success",
         [](PacsScript& s) { s.retrieve.most = 2; },
         true,
         {},
         0,
         3},
        {"aborts after two",
         [](PacsScript& s) {
             s.retrieve.most = 2;
             s.retrieve.end = End::abort;
         },
         true,
         {},
         0,
         3},
        {"aborts in the middle of the second",
         [](PacsScript& s) {
             s.retrieve.most = 2;
             s.retrieve.end = End::inside;
         },
         false,
         Shortfall::failed,
         3,
         4},
        {"does not know us",
         [](PacsScript& s) { s.retrieve.refusal = 0xa801; },
         false,
         Shortfall::failed,
         4,
         1},
        {"cannot send",
         [](PacsScript& s) { s.retrieve.refusal = 0xa702; },
         false,
         Shortfall::unavailable,
         4,
         5},
        {"does not take C-MOVE",
         [](PacsScript& s) { s.retrieve.refusal = 0x0122; },
         false,
         Shortfall::failed,
         4,
         1},
        {"not a word",
         [](PacsScript& s) {
             s.retrieve.most = 0;
             s.retrieve.end = End::silence;
         },
         false,
         Shortfall::timed_out,
         4,
         1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        OriginSettings settings = by_move();
        settings.requestor.timeouts.dimse = milliseconds(400);
        DimseHouse house({}, settings);
        house.holds(1, 4);
        house.pacs.change(row.script);
        const auto end = house.retrieve();
        CHECK(end.complete == row.complete);
        CHECK(end.shortfall == row.shortfall);
        CHECK(end.missing.size() == row.missing);
        CHECK(house.sink.data_sets.size() == 4 - row.missing);
        CHECK_FALSE(house.sink.twice);
        CHECK(house.moves() == row.moves);
        house.pacs.change([](PacsScript& script) {
            const auto destinations = script.retrieve.destinations;
            script = {};
            script.retrieve.destinations = destinations;
        });
        CHECK(house.retrieve().complete);
        CHECK(house.sink.data_sets.size() == 4);
        CHECK(house.memory->taken().count == 0);
    }
}

TEST_CASE("instances of another study that come with a move are refused")
{
    DimseHouse house({}, by_move());
    house.holds(1, 2);
    house.pacs.change([](PacsScript& script) {
        script.retrieve.strays = {pacs_instance("9.9", "9.9.1", "9.9.1.1")};
    });
    CHECK(house.retrieve().complete);
    CHECK(house.sink.received() == Names{"1.2.3.1.1", "1.2.3.1.2"});
    CHECK(house.pacs.store_answers() == std::vector<std::uint16_t>{0xa900, 0x0000, 0x0000});
    // Without originator nobody can tell whose it is; this archive may not store here.
    house.pacs.change([](PacsScript& script) { script.retrieve.originator = false; });
    CHECK(house.retrieve().complete);
    CHECK(house.pacs.store_answers()[3] == 0x0124);
}

TEST_CASE("an archive may send under another title than its own")
{
    OriginSettings settings = by_move();
    settings.origin.moves_as = {AeTitle::parse("PACS_OUT").value()};
    PacsScript script;
    script.retrieve.sends_as = "PACS_OUT";
    DimseHouse house(script, settings);
    house.holds(1, 2);
    for (const bool originator : {true, false}) {
        house.pacs.change([&](PacsScript& now) { now.retrieve.originator = originator; });
        CHECK(house.retrieve().complete);
        CHECK(house.same(house.sink));
    }
}

TEST_CASE("several moves of the same study at once each get all of it")
{
    for (const bool originator : {true, false}) {
        CAPTURE(originator);
        DimseHouse house({}, by_move());
        house.holds(1, 5);
        house.pacs.change([&](PacsScript& script) { script.retrieve.originator = originator; });
        check_together(house, 4); // not known yet how they are told apart
        check_together(house, 4);
    }
}

TEST_CASE("moves whose originator is named do not wait for each other")
{
    DimseHouse house({}, by_move());
    house.holds(1, 2);
    CHECK(house.retrieve().complete); // learned
    TakingSink slow;
    std::promise<void> under_way;
    bool go_on = false;
    bool told = false;
    slow.pauses = [&]() -> asio::awaitable<void> {
        if (!std::exchange(told, true))
            under_way.set_value();
        asio::steady_timer timer(co_await asio::this_coro::executor);
        while (!go_on) {
            timer.expires_after(milliseconds(5));
            co_await timer.async_wait(asio::use_awaitable);
        }
    };
    auto first = asio::co_spawn(
        house.here.loop.loop(), house.origin.retrieve(of_study(), slow), asio::use_future
    );
    under_way.get_future().wait();
    CHECK(house.retrieve().complete);
    house.here.loop.call([&] { go_on = true; });
    CHECK(first.get().complete);
    CHECK(slow.data_sets.size() == 2);
}

TEST_CASE("a move that is cancelled sends C-CANCEL and what still comes is not taken")
{
    DimseHouse house({}, by_move());
    house.holds(1, 30);
    std::promise<void> under_way;
    bool told = false;
    house.sink.pauses = [&]() -> asio::awaitable<void> {
        if (!std::exchange(told, true))
            under_way.set_value();
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
    CHECK(house.sink.data_sets.empty());
    CHECK(house.pacs.wait_open(0));
    CHECK(house.memory->taken().count == 0);
    house.sink.pauses = {};
    CHECK(house.retrieve().complete);
    CHECK(house.sink.data_sets.size() == 30);
}
