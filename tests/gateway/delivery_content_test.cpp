// What an origin reads of a spooled instance: every byte, in bounded pieces, and never the end of a
// damaged one.
#include "gateway/custody/spool_content.h"
#include "gateway/error.h"

#include <doctest/doctest.h>

#include "tests/support/fake_spool.h"
#include "tests/support/run.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;

namespace {

struct Room {
    asio::io_context loop;
    FakeSpool spool;
    WorkerPool disk{"disk", 2};
    TaskGroup tasks{loop.get_executor(), "reading"};

    SpoolContent content(const StoredInstance& instance, std::shared_ptr<bool> begun = {})
    {
        return SpoolContent(ReadingRoom{spool, disk, tasks}, instance, std::move(begun));
    }
};

struct Seen {
    std::uint64_t bytes = 0;
    bool right = true; // every byte is the one that belongs there
    std::size_t largest = 0;
    boost::system::error_code failed;
};

asio::awaitable<Seen> read_all(Room& room, InstanceContent& content, std::uint64_t stop_after)
{
    Seen seen;
    while (seen.bytes < stop_after) {
        const auto chunk = co_await content.read();
        if (!chunk) {
            seen.failed = chunk.error().code;
            break;
        }
        if (chunk->empty())
            break;
        seen.largest = std::max(seen.largest, chunk->size());
        for (std::size_t i = 0; i < chunk->size(); i += i < 4'096 ? 1 : 1'021)
            seen.right = seen.right && (*chunk)[i] == made_up_byte(seen.bytes + i);
        seen.bytes += chunk->size();
    }
    co_await room.tasks.drained();
    co_return seen;
}

constexpr std::uint64_t everything = ~std::uint64_t{0};

} // namespace

TEST_CASE("a spooled instance is read to its last byte, whatever its length")
{
    for (const std::uint64_t length :
         {0ULL, 1ULL, 262'143ULL, 262'144ULL, 262'145ULL, 1'000'003ULL}) {
        CAPTURE(length);
        Room room;
        const auto instance = room.spool.put({}, Bytes{length});
        SpoolContent content = room.content(instance);
        const Seen seen = run(room.loop, read_all(room, content, everything));
        CHECK(seen.bytes == length);
        CHECK(seen.right);
        CHECK_FALSE(seen.failed);
        CHECK(room.spool.slot(instance.slot).open == 0);
    }
}

TEST_CASE("500 MiB of one instance pass through pieces of 256 KiB")
{
    Room room;
    const auto instance = room.spool.put({}, Bytes{500ULL << 20U});
    SpoolContent content = room.content(instance);
    const Seen seen = run(room.loop, read_all(room, content, everything));
    CHECK(seen.bytes == 500ULL << 20U);
    CHECK(seen.right);
    CHECK(seen.largest <= SpoolContent::chunk_size);
    CHECK(room.spool.slot(instance.slot).largest <= SpoolContent::chunk_size);
}

TEST_CASE("the last piece of a damaged instance is never given away")
{
    Room room;
    const auto instance = room.spool.put({}, Bytes{600'000});
    room.spool.slot(instance.slot).damaged = true;
    SpoolContent content = room.content(instance);
    const Seen seen = run(room.loop, read_all(room, content, everything));
    CHECK(seen.failed == make_error_code(Errc::damaged));
    CHECK(seen.bytes < 600'000);
}

TEST_CASE("a slot that holds another instance by now is not sent as ours")
{
    Room room;
    StoredInstance instance = room.spool.put({}, Bytes{10});
    instance.envelope.id += 1;
    SpoolContent content = room.content(instance);
    const Seen seen = run(room.loop, read_all(room, content, everything));
    CHECK(seen.failed == make_error_code(Errc::damaged));
    CHECK(seen.bytes == 0);
}

TEST_CASE("an instance that is missing from the spool fails as such")
{
    Room room;
    StoredInstance instance = room.spool.put({}, Bytes{10});
    instance.slot = "gone";
    SpoolContent content = room.content(instance);
    CHECK(
        run(room.loop, read_all(room, content, everything)).failed ==
        make_error_code(Errc::not_found)
    );
}

TEST_CASE("a content can be rewound at any point, and says when its reading has begun")
{
    Room room;
    const auto instance = room.spool.put({}, Bytes{1'000'000});
    const auto begun = std::make_shared<bool>(false);
    SpoolContent content = room.content(instance, begun);
    CHECK_FALSE(*begun);
    CHECK(content.source_ae().str() == "CT1");
    for (const std::uint64_t stop : {1ULL, 600'000ULL, 1'000'000ULL}) {
        const Seen part = run(room.loop, read_all(room, content, stop));
        CHECK(part.right);
        content.rewind();
    }
    CHECK(*begun);
    const Seen whole = run(room.loop, read_all(room, content, everything));
    CHECK(whole.bytes == 1'000'000);
    CHECK(whole.right);
}

TEST_CASE("a reading that is cancelled or forgotten leaves nothing behind")
{
    Room room;
    const auto instance = room.spool.put({}, Bytes{1'000'000});
    {
        SpoolContent content = room.content(instance);
        (void)run(room.loop, read_all(room, content, 1));
        room.tasks.cancel();
        const Seen rest =
            run(room.loop, read_all(room, content, everything)); // without reading ahead
        CHECK(rest.bytes > 0);
    }
    run(room.loop, room.tasks.drained());
    room.disk.stop();
    room.disk.join();
    CHECK(room.spool.slot(instance.slot).open == 0);
}
