// Records what became of deliveries, as many together as have gathered. What cannot be recorded is
// kept and tried again: an instance that arrived is never sent a second time because a database was
// away. Runs on the loop.
#include "gateway/custody/delivery_state.h"

#include <spdlog/spdlog.h>

#include <iterator>
#include <utility>

namespace gantry::custody {

namespace {

constexpr std::chrono::seconds record_retry{1};

std::vector<DeliveryRecord> records_of(const std::vector<Settled>& settled)
{
    std::vector<DeliveryRecord> records;
    records.reserve(settled.size());
    for (const Settled& one : settled)
        records.push_back(one.record);
    return records;
}

} // namespace

asio::awaitable<void> DeliveryRunner::State::record_loop()
{
    for (;;) {
        while (unrecorded.empty() && recording.empty())
            co_await running->settled.wait();
        if (!co_await record_once())
            co_await pause(record_retry);
    }
}

asio::awaitable<bool> DeliveryRunner::State::record_once()
{
    std::ranges::move(unrecorded, std::back_inserter(recording));
    unrecorded.clear();
    auto records = records_of(recording);
    const Result<void> recorded = co_await queue.record(std::move(records));
    if (!recorded) {
        spdlog::error(
            "outcomes not recorded, kept to be tried again destination={} count={} reason=\"{}\"",
            origin.name(),
            recording.size(),
            recorded.error().text()
        );
        co_return false;
    }
    confirm();
    co_return true;
}

void DeliveryRunner::State::confirm()
{
    for (const Settled& settled : recording) {
        in_hand.erase(settled.record.id);
        if (observer && !settled.given_back)
            observer(settled.outcome, settled.delivery);
    }
    recording.clear();
    running->changed.notify();
}

// The end of run(): one more try. What is lost here is delivered again after the next start; the
// destination then says that it has it.
asio::awaitable<void> DeliveryRunner::State::record_last()
{
    if (unrecorded.empty() && recording.empty())
        co_return;
    if (co_await record_once())
        co_return;
    for (const Settled& settled : recording)
        in_hand.erase(settled.record.id);
    recording.clear();
}

} // namespace gantry::custody
