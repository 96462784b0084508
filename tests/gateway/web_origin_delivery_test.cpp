// Runner and web origin together: an archive that goes down and comes back; a large instance.
#include "gateway/custody/delivery.h"
#include "gateway/custody/spool_content.h"
#include "gateway/origins/stow_body.h"

#include <doctest/doctest.h>

#include "tests/gateway/stow_support.h"
#include "tests/support/fake_queue.h"
#include "tests/support/fake_spool.h"
#include "tests/support/manual_clock.h"

using namespace gantry;
using namespace gantry::tests;
using namespace std::chrono_literals;
using custody::DeliveryState;

namespace {

asio::awaitable<std::size_t> largest_piece(StowBody& body, std::uint64_t& total)
{
    std::size_t largest = 0;
    for (;;) {
        const auto piece = co_await body.next();
        if (!piece || piece->empty())
            co_return largest;
        largest = std::max(largest, piece->size());
        total += piece->size();
    }
}

} // namespace

TEST_CASE("an archive that is down for a while gets everything once, when it is back")
{
    StowHouse house;
    ManualClock clock;
    FakeSpool spool;
    FakeQueue queue(house.loop.get_executor(), clock);
    custody::DeliveryOptions options;
    options.min_backoff = 5ms;
    options.max_backoff = 20ms;
    options.max_instances = 5;
    custody::DeliveryRunner runner(*house.origin, queue, spool, house.disk, clock, options);
    TaskGroup tasks(house.loop.get_executor(), "test");
    for (unsigned i = 1; i <= 30; ++i)
        queue.add(
            spool.put(sample(i).key(), {sample(i).bytes().size()}, sample(i).bytes()), "cloud"
        );
    house.archive.go_down();
    tasks.spawn(runner.run());
    run(house.loop, queue.until([&] { return queue.count(DeliveryState::deferred) > 0; }));
    CHECK(runner.status().suspended);
    house.archive.come_back();
    run(house.loop, queue.until([&] { return queue.count(DeliveryState::delivered) == 30; }));
    CHECK_FALSE(runner.status().suspended);
    std::size_t arrived = 0;
    for (const auto& uids : house.posts())
        arrived += uids.size();
    CHECK(arrived == 30);
    tasks.cancel();
    run(house.loop, tasks.drained());
}

TEST_CASE("an instance of 500 MiB goes through pieces of 256 KiB, and its length is exact")
{
    asio::io_context loop;
    WorkerPool disk("disk", 2);
    TaskGroup tasks(loop.get_executor(), "reading");
    FakeSpool spool;
    const custody::ReadingRoom room{spool, disk, tasks};
    custody::SpoolContent content(room, spool.put(sample(1).key(), Bytes{500ULL << 20U}), {});
    StowBody body({&content});
    std::uint64_t total = 0;
    CHECK(run(loop, largest_piece(body, total)) <= custody::SpoolContent::chunk_size);
    CHECK(total == body.size());
    CHECK(total > 500ULL << 20U);
}
