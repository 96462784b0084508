// A delivery queue in memory: rows, leases and due times as the real one has them, on a clock that
// tests move. Can be told to fail.
#pragma once

#include "gateway/custody/queue.h"
#include "gateway/error.h"
#include "gateway/loop/change.h"

#include <boost/asio/this_coro.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gantry::tests {

class FakeQueue final : public custody::DeliveryQueue {
public:
    struct Row {
        custody::Delivery delivery;
        custody::DeliveryState state = custody::DeliveryState::queued;
        WallTime due{};
        std::vector<custody::DeliveryRecord> records; // every one, in order
    };

    FakeQueue(const asio::any_io_executor& loop, const Clock& clock) : clock_(clock), changed_(loop)
    {
    }

    std::map<std::int64_t, Row> rows;
    bool record_fails = false; // it then keeps them, as the real one does
    std::size_t claims = 0;
    std::vector<std::size_t> recorded_together;
    std::size_t renewed = 0;

    std::int64_t add(custody::StoredInstance instance, std::string destination)
    {
        const auto id = static_cast<std::int64_t>(rows.size()) + 1;
        Row& row = rows[id];
        instance.envelope.received = clock_.wall();
        row.delivery = {id, std::move(instance), std::move(destination), 0};
        row.due = clock_.wall();
        changed_.notify();
        return id;
    }

    /// Time has moved: what is due now may be claimed.
    void look_again() { changed_.notify(); }

    std::size_t count(custody::DeliveryState state) const
    {
        std::size_t count = 0;
        for (const auto& [id, row] : rows)
            count += row.state == state ? 1U : 0U;
        return count;
    }

    /// Completes when `holds` does; asked after every record.
    asio::awaitable<void> until(std::function<bool()> holds)
    {
        while (!holds())
            co_await changed_.wait();
    }

    Result<void> admit() const override { return {}; }

    void enqueue(custody::StoredInstance) override {}

    asio::awaitable<Result<std::vector<custody::Delivery>>> claim(
        std::string destination, std::size_t max_instances, Bytes max_bytes, std::chrono::seconds
    ) override
    {
        ++claims;
        std::vector<custody::Delivery> claimed;
        std::uint64_t bytes = 0;
        for (auto& [id, row] : rows) {
            if (!ready_now(row, destination) || claimed.size() == max_instances)
                continue;
            bytes += row.delivery.instance.envelope.length.count;
            if (!claimed.empty() && bytes > max_bytes.count)
                break;
            row.state = custody::DeliveryState::sending;
            ++row.delivery.attempts;
            claimed.push_back(row.delivery);
        }
        co_return claimed;
    }

    asio::awaitable<Result<void>> record(std::vector<custody::DeliveryRecord> records) override
    {
        recorded_together.push_back(records.size());
        for (custody::DeliveryRecord& record : records) {
            Row& row = rows.at(record.id);
            row.state = record.state;
            row.due = record.next_attempt;
            if (!record.counts)
                --row.delivery.attempts;
            row.records.push_back(std::move(record));
        }
        changed_.notify();
        if (record_fails)
            co_return error(Errc::database, "asked to fail");
        co_return Result<void>{};
    }

    asio::awaitable<Result<void>>
    renew(std::vector<std::int64_t> ids, std::chrono::seconds) override
    {
        renewed += ids.size();
        changed_.notify();
        co_return Result<void>{};
    }

    asio::awaitable<void> ready(std::string destination) override
    {
        const auto any = [this, destination] {
            for (const auto& [id, row] : rows)
                if (ready_now(row, destination))
                    return true;
            return false;
        };
        co_await until(any);
    }

    asio::awaitable<Result<std::vector<custody::QueueRow>>> list(custody::QueueFilter) override
    {
        co_return std::vector<custody::QueueRow>{};
    }

    asio::awaitable<Result<std::vector<custody::DestinationSummary>>> summary() override
    {
        co_return std::vector<custody::DestinationSummary>{};
    }

    asio::awaitable<Result<std::vector<custody::StudySummary>>>
    studies(std::optional<Uid>, std::size_t) override
    {
        co_return std::vector<custody::StudySummary>{};
    }

    asio::awaitable<Result<std::uint64_t>> retry(custody::QueueFilter) override
    {
        co_return std::uint64_t{0};
    }

    asio::awaitable<Result<std::uint64_t>> drop(custody::QueueFilter) override
    {
        co_return std::uint64_t{0};
    }

    asio::awaitable<Result<void>> hold(std::string) override { co_return Result<void>{}; }

    asio::awaitable<Result<void>> release(std::string) override { co_return Result<void>{}; }

    void close() override {}

private:
    bool ready_now(const Row& row, const std::string& destination) const
    {
        const bool waits = row.state == custody::DeliveryState::queued ||
                           row.state == custody::DeliveryState::deferred;
        return waits && row.delivery.destination == destination && row.due <= clock_.wall();
    }

    const Clock& clock_;
    Change changed_;
};

} // namespace gantry::tests
