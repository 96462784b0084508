// Waiting for what becomes of receipts, with the real queue behind it.
#include "gateway/custody/delivery_watch.h"
#include "gateway/custody/schema.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <thread>

#include "tests/support/run.h"

using namespace gantry;
using namespace gantry::custody;
using namespace std::chrono_literals;

namespace {

using Kind = StoreOutcome::Kind;
using Steady = std::chrono::steady_clock;

DeliveryChange change(
    ReceiptId receipt, std::int64_t index, DeliveryState state, Kind kind, std::uint16_t reason = 0
)
{
    return {
        static_cast<std::int64_t>(receipt) * deliveries_per_receipt + index, state, kind, reason
    };
}

std::vector<StoreOutcome> settled(
    asio::io_context& loop,
    DeliveryWatch& watch,
    std::vector<ReceiptId> receipts,
    std::chrono::milliseconds within
)
{
    return test::run(loop, watch.settled(std::move(receipts), Steady::now() + within));
}

} // namespace

TEST_CASE("what became of a delivery is told in its origin's words")
{
    struct Row {
        const char* says;
        DeliveryState state;
        Kind kind;
        std::uint16_t reason;
        Kind told;
        std::uint16_t told_reason;
    };

    const Row rows[] = {
        {"delivered", DeliveryState::delivered, Kind::stored, 0, Kind::stored, 0},
        {"there already", DeliveryState::delivered, Kind::already_there, 0, Kind::stored, 0},
        {"with a warning",
         DeliveryState::delivered,
         Kind::stored_changed,
         0xb000,
         Kind::stored_changed,
         0xb000},
        {"refused", DeliveryState::failed, Kind::refused, 0xa900, Kind::refused, 0xa900},
        {"refused without a reason", DeliveryState::failed, Kind::refused, 0, Kind::refused, 0x0110
        },
        {"given up after some attempts",
         DeliveryState::failed,
         Kind::limited,
         0x0110,
         Kind::refused,
         0x0110},
        {"another of its UID", DeliveryState::quarantined, Kind::conflict, 0, Kind::conflict, 0x0111
        },
        {"our copy damaged", DeliveryState::quarantined, Kind::damaged, 0, Kind::damaged, 0xa700},
        {"dropped by a person", DeliveryState::dropped, Kind::transient, 0, Kind::refused, 0x0110},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        asio::io_context loop;
        DeliveryWatch watch(loop.get_executor(), 1h);
        watch.expect(7, 1);
        watch.changed({change(7, 0, row.state, row.kind, row.reason)});
        const auto outcomes = settled(loop, watch, {7}, 1h);
        REQUIRE(outcomes.size() == 1);
        CHECK(outcomes[0].kind == row.told);
        CHECK(outcomes[0].reason == row.told_reason);
        CHECK(watch.expected() == 0);
    }
}

TEST_CASE("of several destinations a failure says most and what is unknown more than a warning")
{
    asio::io_context loop;
    DeliveryWatch watch(loop.get_executor(), 1h);
    for (const ReceiptId receipt : {1U, 2U, 3U, 4U})
        watch.expect(receipt, 2);
    const auto delivered = DeliveryState::delivered;
    watch.changed(
        {change(1, 0, delivered, Kind::stored),
         change(1, 1, delivered, Kind::stored_changed, 0xb006),
         change(2, 0, delivered, Kind::stored_changed, 0xb006),
         change(3, 1, DeliveryState::failed, Kind::refused, 0x0122),
         change(4, 1, delivered, Kind::stored),
         change(4, 0, delivered, Kind::stored),
         change(4, 9, DeliveryState::failed, Kind::refused),
         change(99, 0, DeliveryState::failed, Kind::refused)}
    );
    const auto outcomes = settled(loop, watch, {1, 2, 3, 4, 5}, 1ms);
    CHECK(outcomes[0].kind == Kind::stored_changed);
    CHECK(outcomes[1].kind == Kind::transient);
    CHECK(outcomes[2].kind == Kind::refused);
    CHECK(outcomes[2].reason == 0x0122);
    CHECK(outcomes[3].kind == Kind::stored);
    CHECK(outcomes[4].kind == Kind::transient); // nobody expected it
}

TEST_CASE("who waits is woken by what comes from another thread")
{
    asio::io_context loop;
    DeliveryWatch watch(loop.get_executor(), 1h);
    watch.expect(1, 1);
    watch.expect(2, 1);
    std::vector<StoreOutcome> outcomes;
    const auto wait = [&]() -> asio::awaitable<void> {
        outcomes = co_await watch.settled({1, 2}, Steady::now() + 1h);
    };
    asio::co_spawn(loop, wait, [](std::exception_ptr) {});
    loop.run_for(1ms);
    std::thread([&] {
        watch.changed({change(2, 0, DeliveryState::delivered, Kind::stored)});
        watch.changed({change(1, 0, DeliveryState::delivered, Kind::stored)});
    }).join();
    loop.restart();
    loop.run_for(30s); // ends with its work
    REQUIRE(outcomes.size() == 2);
    CHECK(outcomes[0].kind == Kind::stored);
    CHECK(outcomes[1].kind == Kind::stored);
}

TEST_CASE("what nobody has waited for is forgotten")
{
    asio::io_context loop;
    DeliveryWatch watch(loop.get_executor(), -1ms);
    for (ReceiptId receipt = 1; receipt <= 100; ++receipt)
        watch.expect(receipt, 1);
    CHECK(watch.expected() == 1);
}
