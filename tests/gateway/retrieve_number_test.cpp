#include "dimse/error.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "retrieve_support.h"

using namespace gantry;
using namespace gantry::faces;
using namespace gantry::tests;

namespace {

/// PS3.4 C.4.2.1.6: whatever the archive said, none remains only at the end.
void check_never_rises_from_none(const ScriptedSession& session)
{
    bool none = false;
    for (const dimse::SubOperations& counts : session.pendings) {
        CHECK_FALSE(none);
        none = counts.remaining == 0;
    }
}

} // namespace

TEST_CASE("an archive that knows how many there are need not name them before it begins")
{
    RetrieveWorld world;
    world.archive.fill(5);
    world.archive.by_number = 5;
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0x0000);
    CHECK(outcome.counts.completed == 5);
    CHECK(outcome.failed.empty());
    CHECK(world.receiver.opened.size() == 1);
    REQUIRE_FALSE(world.session.pendings.empty());
    CHECK(world.session.pendings.front().remaining == 5);
    world.check_counters(outcome, 5);
    check_never_rises_from_none(world.session);
}

TEST_CASE("a number that turns out to be wrong is put right in the final response")
{
    struct Row {
        const char* says;
        std::uint64_t number;
        RetrieveEnd end;
        std::uint16_t status;
        std::uint32_t failed;
    };

    const Row rows[] = {
        {"more came than was said", 3, {true, Shortfall::none, {}, {}}, 0x0000, 0},
        {"less came, and nobody can say what is missing",
         7,
         {false, Shortfall::failed, {}, "as scripted"},
         0xb000,
         2},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        RetrieveWorld world;
        world.archive.fill(5);
        world.archive.by_number = row.number;
        world.archive.end = row.end;
        const auto outcome = world.run_move();
        CHECK(outcome.status.code == row.status);
        CHECK(outcome.counts.completed == 5);
        CHECK(outcome.counts.failed == row.failed);
        CHECK(outcome.failed.empty());
        check_never_rises_from_none(world.session);
    }
}

TEST_CASE("what is missing of a number is listed by the names that it gets")
{
    RetrieveWorld world;
    world.archive.fill(4);
    world.archive.by_number = 4;
    world.archive.withheld = {slice(3)};
    world.archive.end = {
        false, Shortfall::failed, {{uid(ct_class), uid(slice(3))}}, "not to be had"
    };
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0xb000);
    CHECK(outcome.counts.completed == 3);
    REQUIRE(outcome.failed.size() == 1);
    CHECK(outcome.failed.front() == uid(slice(3)));
    world.check_counters(outcome, 4);
}

TEST_CASE("a class that no example showed gets an association of its own")
{
    RetrieveWorld world;
    world.archive.fill(2);
    world.archive.fill(2, mr_class);
    world.archive.by_number = 4;
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0x0000);
    CHECK(outcome.counts.completed == 4);
    CHECK(world.receiver.opened.size() == 2);
}

TEST_CASE("one example does not say how the others are stored")
{
    RetrieveWorld world;
    world.archive.fill(2);
    world.archive.has[1].key.transfer_syntax = uid(rle_syntax);
    world.archive.by_number = 2;
    world.receiver.takes.insert(rle_syntax);
    const auto outcome = world.run_move();
    CHECK(outcome.status.code == 0x0000);
    REQUIRE(world.receiver.sent.size() == 2);
    CHECK(world.receiver.sent[1].key.transfer_syntax == uid(rle_syntax));
}

TEST_CASE("a destination that takes nothing is told all the names of a number, too")
{
    struct Row {
        const char* says;
        bool at_once;
        std::uint32_t completed;
    };

    constexpr Row rows[] = {
        {"it cannot be reached", true, 0},
        {"it dies half way and does not come back", false, 1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        RetrieveWorld world;
        world.options.window_instances = 1;
        world.archive.fill(20);
        world.archive.by_number = 20;
        world.receiver.breaks = {slice(2)};
        const Error gone = dimse::error(dimse::Errc::rejected, "called AE title not recognised");
        if (row.at_once)
            world.receiver.unreachable = {gone};
        world.archive.before = [&](std::size_t) {
            world.receiver.unreachable = {gone};
            return pass();
        };
        const auto outcome = world.run_move();
        CHECK(outcome.status.code == (row.completed == 0 ? 0xa702 : 0xb000));
        CHECK(outcome.counts.completed == row.completed);
        CHECK(outcome.failed.size() == 20 - row.completed);
        world.check_counters(outcome, 20);
    }
}
