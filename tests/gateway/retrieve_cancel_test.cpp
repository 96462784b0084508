#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <exception>

#include "retrieve_support.h"

using namespace gantry;
using namespace gantry::faces;
using namespace gantry::tests;

namespace {

using SteadyClock = std::chrono::steady_clock;

/// A retrieve under way on the world's loop.
struct UnderWay {
    std::optional<dimse::RetrieveOutcome> outcome;
    std::exception_ptr fault;
    bool ended = false;
    SteadyClock::time_point at;
    asio::cancellation_signal vanish;
    ScriptedSession session;

    void start(RetrieveWorld& world, dimse::RetrieveRequest request, const std::string& calling)
    {
        auto done = [this](std::exception_ptr e, dimse::RetrieveOutcome o) {
            fault = e;
            outcome = std::move(o);
            ended = true;
            at = SteadyClock::now();
        };
        asio::co_spawn(
            world.loop,
            world.ask(std::move(request), calling, session),
            asio::bind_cancellation_slot(vanish.slot(), std::move(done))
        );
    }
};

asio::awaitable<void> never()
{
    asio::steady_timer timer(
        co_await asio::this_coro::executor, asio::steady_timer::time_point::max()
    );
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> hang_at(std::size_t number, std::size_t where)
{
    if (number == where)
        co_await never();
}

} // namespace

TEST_CASE("C-CANCEL ends a retrieve at once, with what was done (FE00)")
{
    RetrieveWorld world;
    world.archive.fill(5);
    world.archive.before = [](std::size_t number) { return hang_at(number, 2); };
    UnderWay move;
    run(world.loop, [](RetrieveWorld& w, UnderWay& m) -> asio::awaitable<void> {
        m.start(w, w.move(), "WORKSTATION");
        const auto two_sent = [&] { return w.receiver.sent.size() == 2; };
        co_await until(two_sent);
        const auto before = SteadyClock::now();
        m.session.cancel();
        const auto ended = [&] { return m.ended; };
        co_await until(ended);
        CHECK(m.at - before < std::chrono::milliseconds(100));
    }(world, move));
    REQUIRE(move.outcome.has_value());
    CHECK(move.outcome->status.code == 0xfe00);
    CHECK(move.outcome->counts.completed == 2);
    CHECK(move.outcome->counts.remaining == 3);
    CHECK(move.outcome->failed.empty());
    CHECK(world.archive.cancelled);
    CHECK(world.receiver.released == 1);
    CHECK(world.receiver.open_now == 0);
}

TEST_CASE("C-CANCEL while the archive is still being asked ends it")
{
    RetrieveWorld world;
    world.archive.fill(1);
    world.archive.before = [](std::size_t) { return never(); };
    UnderWay move;
    run(world.loop, [](RetrieveWorld& w, UnderWay& m) -> asio::awaitable<void> {
        m.start(w, w.move(), "WORKSTATION");
        const auto can_cancel = [&] { return static_cast<bool>(m.session.cancel); };
        co_await until(can_cancel);
        m.session.cancel();
        const auto ended = [&] { return m.ended; };
        co_await until(ended);
    }(world, move));
    REQUIRE(move.outcome.has_value());
    CHECK(move.outcome->status.code == 0xfe00);
}

TEST_CASE("a C-STORE under way may end after a C-CANCEL, and counts")
{
    RetrieveWorld world;
    world.archive.fill(3);
    bool answered = false;
    world.receiver.before_answer = [&answered](const Sent&) {
        return until([&] { return answered; });
    };
    UnderWay move;
    run(world.loop, [](RetrieveWorld& w, UnderWay& m, bool& answer) -> asio::awaitable<void> {
        m.start(w, w.move(), "WORKSTATION");
        const auto storing = [&] { return w.receiver.aborted_stores == 1; };
        co_await until(storing);
        m.session.cancel();
        const auto let_go = [&] { return w.archive.under_way == 0; };
        co_await until(let_go); // upstream ends at once
        CHECK_FALSE(m.ended);
        answer = true;
        const auto ended = [&] { return m.ended; };
        co_await until(ended);
    }(world, move, answered));
    REQUIRE(move.outcome.has_value());
    CHECK(move.outcome->status.code == 0xfe00);
    CHECK(move.outcome->counts.completed == 1);
    CHECK(move.outcome->counts.remaining == 2);
}

TEST_CASE("a destination that does not answer holds up a C-CANCEL for the grace time only")
{
    RetrieveWorld world;
    world.options.cancel_grace = std::chrono::milliseconds(50);
    world.archive.fill(3);
    world.receiver.before_answer = [](const Sent&) { return never(); };
    UnderWay move;
    run(world.loop, [](RetrieveWorld& w, UnderWay& m) -> asio::awaitable<void> {
        m.start(w, w.move(), "WORKSTATION");
        const auto storing = [&] { return w.receiver.aborted_stores == 1; };
        co_await until(storing);
        m.session.cancel();
        const auto ended = [&] { return m.ended; };
        co_await until(ended);
    }(world, move));
    REQUIRE(move.outcome.has_value());
    CHECK(move.outcome->status.code == 0xfe00);
    CHECK(move.outcome->counts.remaining == 2);
    CHECK(move.outcome->counts.failed == 1); // nobody knows what became of it
    CHECK(move.outcome->failed.size() == 1);
    CHECK(world.receiver.open_now == 0);
}

TEST_CASE("a C-CANCEL that comes after everything is done changes nothing")
{
    RetrieveWorld world;
    world.archive.fill(2);
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0x0000);
    world.session.cancel();
    CHECK(world.session.pendings.back().completed == 2);
}

TEST_CASE("a workstation that vanishes takes everything with it")
{
    RetrieveWorld world;
    world.archive.fill(3);
    SUBCASE("while something is fetched")
    {
        world.archive.before = [](std::size_t number) { return hang_at(number, 1); };
    }
    SUBCASE("while something is sent")
    {
        world.receiver.before_answer = [](const Sent&) { return never(); };
    }
    UnderWay move;
    run(world.loop, [](RetrieveWorld& w, UnderWay& m) -> asio::awaitable<void> {
        m.start(w, w.move(), "WORKSTATION");
        const auto one_begun = [&] {
            return w.receiver.sent.size() + w.receiver.aborted_stores == 1;
        };
        co_await until(one_begun);
        const auto before = SteadyClock::now();
        m.vanish.emit(asio::cancellation_type::terminal);
        const auto ended = [&] { return m.ended; };
        co_await until(ended);
        CHECK(m.at - before < std::chrono::milliseconds(100));
    }(world, move));
    CHECK(move.fault != nullptr);
    CHECK(world.archive.under_way == 0);
    CHECK(world.receiver.open_now == 0);
    CHECK(world.receiver.released == 0); // aborted: there is nothing to be polite about
}

TEST_CASE("one who asks for many studies leaves room for others")
{
    RetrieveWorld world;
    world.options.from_origin = 4;
    world.options.destinations[ae("WORKSTATION")].max_associations = 40;
    world.archive.fill(1);
    bool go_on = false;
    world.archive.before = [&go_on](std::size_t) { return until([&] { return go_on; }); };
    std::vector<std::unique_ptr<UnderWay>> many;
    UnderWay other;
    run(world.loop,
        [](RetrieveWorld& w, std::vector<std::unique_ptr<UnderWay>>& all, UnderWay& late, bool& go
        ) -> asio::awaitable<void> {
            for (int i = 0; i < 10; ++i) {
                all.push_back(std::make_unique<UnderWay>());
                all.back()->start(w, w.move(), "WORKSTATION");
            }
            const auto three_under_way = [&] { return w.archive.under_way == 3; };
            co_await until(three_under_way);
            for (int i = 0; i < 20; ++i)
                co_await pass();
            CHECK(w.archive.under_way == 3);
            auto request = w.move();
            request.move_destination = ae("OTHER");
            late.start(w, std::move(request), "OTHER");
            const auto four_under_way = [&] { return w.archive.under_way == 4; };
            co_await until(four_under_way);
            go = true;
            const auto all_ended = [&] {
                return late.ended &&
                       std::ranges::all_of(all, [](const auto& one) { return one->ended; });
            };
            co_await until(all_ended);
        }(world, many, other, go_on));
    CHECK(world.archive.most_under_way == 4);
    CHECK(other.outcome->status.code == 0x0000);
    for (const auto& one : many) {
        CHECK(one->outcome->status.code == 0x0000);
        CHECK_FALSE(one->session.pendings.empty());
    }
}

TEST_CASE("no more associations are opened to a destination than it takes")
{
    RetrieveWorld world;
    world.options.destinations[ae("WORKSTATION")].max_associations = 2;
    world.archive.fill(2);
    std::vector<std::unique_ptr<UnderWay>> many;
    run(world.loop,
        [](RetrieveWorld& w, std::vector<std::unique_ptr<UnderWay>>& all) -> asio::awaitable<void> {
            for (int i = 0; i < 6; ++i) {
                all.push_back(std::make_unique<UnderWay>());
                all.back()->start(w, w.move(), i % 2 == 0 ? "WORKSTATION" : "OTHER");
            }
            const auto all_ended = [&] {
                return std::ranges::all_of(all, [](const auto& one) { return one->ended; });
            };
            co_await until(all_ended);
        }(world, many));
    CHECK(world.receiver.most_open == 2);
    CHECK(world.receiver.sent.size() == 12);
}

TEST_CASE("who waits too long for a turn is told so")
{
    RetrieveWorld world;
    world.options.longest_wait = std::chrono::milliseconds(20);
    world.options.destinations[ae("WORKSTATION")].max_associations = 1;
    world.archive.fill(1);
    bool go_on = false;
    world.archive.before = [&go_on](std::size_t) { return until([&] { return go_on; }); };
    UnderWay first;
    UnderWay second;
    run(world.loop,
        [](RetrieveWorld& w, UnderWay& a, UnderWay& b, bool& go) -> asio::awaitable<void> {
            a.start(w, w.move(), "WORKSTATION");
            const auto one_under_way = [&] { return w.archive.under_way == 1; };
            co_await until(one_under_way);
            b.start(w, w.move(), "WORKSTATION");
            const auto second_ended = [&] { return b.ended; };
            co_await until(second_ended);
            go = true;
            const auto first_ended = [&] { return a.ended; };
            co_await until(first_ended);
        }(world, first, second, go_on));
    CHECK(first.outcome->status.code == 0x0000);
    CHECK(second.outcome->status.code == 0xa702);
    CHECK_FALSE(second.outcome->status.comment.empty());
    CHECK_FALSE(second.session.pendings.empty());
}
