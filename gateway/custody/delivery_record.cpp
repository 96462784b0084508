// Records what became of deliveries, as many together as have gathered. Runs on the loop. Never
// sends anything again because it could not be recorded: the queue keeps what it cannot write.
#include "gateway/custody/delivery_state.h"

#include <spdlog/spdlog.h>

#include <iterator>
#include <utility>

namespace gantry::custody {

asio::awaitable<void> DeliveryRunner::State::record_loop()
{
    for (;;) {
        while (unrecorded.empty())
            co_await running->settled.wait();
        co_await record_once();
    }
}

asio::awaitable<void> DeliveryRunner::State::record_once()
{
    std::ranges::move(unrecorded, std::back_inserter(recording));
    unrecorded.clear();
    std::vector<DeliveryRecord> records;
    records.reserve(recording.size());
    for (const Settled& settled : recording)
        records.push_back(settled.record);
    const Result<void> recorded = co_await queue.record(std::move(records));
    if (!recorded)
        spdlog::error(
            "outcomes wait for the database destination={} count={} reason=\"{}\"",
            origin.name(),
            recording.size(),
            recorded.error().text()
        );
    for (const Settled& settled : recording) {
        in_hand.erase(settled.record.id);
        if (observer && !settled.given_back)
            observer(settled.outcome, settled.delivery);
    }
    recording.clear();
    running->changed.notify();
}

} // namespace gantry::custody
