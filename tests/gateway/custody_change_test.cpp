// Who waits for deliveries is told of those that have ended, and of no others.
#include <doctest/doctest.h>

#include <mutex>

#include "tests/gateway/custody_queue_fixture.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;

namespace {

using Kind = StoreOutcome::Kind;

class Heard {
public:
    void operator()(const std::vector<DeliveryChange>& changes)
    {
        const std::lock_guard lock(mutex_);
        all_.insert(all_.end(), changes.begin(), changes.end());
    }

    std::vector<DeliveryChange> take()
    {
        const std::lock_guard lock(mutex_);
        return std::exchange(all_, {});
    }

private:
    std::mutex mutex_;
    std::vector<DeliveryChange> all_;
};

DeliveryRecord ended(const Delivery& delivery, DeliveryState state, Kind kind, std::uint16_t reason)
{
    return {.id = delivery.id, .state = state, .answer = "said", .kind = kind, .reason = reason};
}

} // namespace

TEST_CASE("what has ended is told with its origin's words and what only waits is not")
{
    QueueFixture q;
    Heard heard;
    q.queue_options.changed = [&heard](const auto& changes) { heard(changes); };
    q.open();
    for (unsigned n = 1; n <= 3; ++n)
        (void)q.take_in(1, n);
    const auto claimed = q.claim();
    REQUIRE(claimed.size() == 3);
    q.record(ended(claimed[0], DeliveryState::deferred, Kind::transient, 0xa700));
    CHECK(heard.take().empty());
    q.record(ended(claimed[1], DeliveryState::failed, Kind::refused, 0xa900));
    q.record(ended(claimed[2], DeliveryState::delivered, Kind::stored_changed, 0xb000));
    const auto changes = heard.take();
    REQUIRE(changes.size() == 2);
    CHECK(changes[0].id == claimed[1].id);
    CHECK(changes[0].state == DeliveryState::failed);
    CHECK(changes[0].reason == 0xa900);
    CHECK(changes[1].id == claimed[2].id);
    CHECK(changes[1].kind == Kind::stored_changed);
    CHECK(changes[1].reason == 0xb000);
    q.record(ended(claimed[2], DeliveryState::delivered, Kind::stored, 0));
    CHECK(heard.take().empty()); // it has ended already
    QueueFilter filter;
    filter.id = claimed[0].id;
    CHECK(q.ask(q.queue->drop(filter)).value() == 1);
    const auto dropped = heard.take();
    REQUIRE(dropped.size() == 1);
    CHECK(dropped[0].state == DeliveryState::dropped);
    q.close();
}

TEST_CASE("identical ones that are delivered together are told of together")
{
    QueueFixture q;
    Heard heard;
    q.queue_options.changed = [&heard](const auto& changes) { heard(changes); };
    q.open();
    const auto first = q.take_in(1, 1);
    const auto again = q.take_in(1, 1);
    const auto other = q.take_in(envelope_of(1, 1, {"cloud"}), content_of(999'999));
    const auto claimed = q.claim();
    REQUIRE(claimed.size() == 1); // one of an instance at a time
    q.record(ended(claimed[0], DeliveryState::delivered, Kind::stored, 0));
    const auto changes = heard.take();
    REQUIRE(changes.size() == 2);
    CHECK(changes[0].id / 16 == static_cast<std::int64_t>(first.envelope.id));
    CHECK(changes[1].id / 16 == static_cast<std::int64_t>(again.envelope.id));
    CHECK(changes[1].state == DeliveryState::delivered);
    const auto next = q.claim();
    REQUIRE(next.size() == 1);
    CHECK(next[0].instance.envelope.id == other.envelope.id);
    q.close();
}
