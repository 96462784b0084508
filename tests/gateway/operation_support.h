// A queue and a spool that say what a test tells them to.
#pragma once

#include "gateway/custody/queue.h"
#include "gateway/custody/spool.h"
#include "gateway/error.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace gantry::tests {

class ScriptedQueue final : public custody::DeliveryQueue {
public:
    std::vector<custody::QueueRow> rows;
    std::vector<custody::StudySummary> known_studies;
    std::vector<std::string> asked; // "retry cloud", "hold cloud" ...
    custody::QueueFilter last_filter;

    Result<void> admit() const override { return {}; }

    void enqueue(custody::StoredInstance) override {}

    asio::awaitable<Result<std::vector<custody::Delivery>>>
    claim(std::string, std::size_t, Bytes, std::chrono::seconds) override
    {
        co_return error(Errc::unsupported);
    }

    asio::awaitable<Result<void>> record(std::vector<custody::DeliveryRecord>) override
    {
        co_return error(Errc::unsupported);
    }

    asio::awaitable<Result<void>> renew(std::vector<std::int64_t>, std::chrono::seconds) override
    {
        co_return error(Errc::unsupported);
    }

    asio::awaitable<void> ready(std::string) override { co_return; }

    asio::awaitable<Result<std::vector<custody::QueueRow>>> list(custody::QueueFilter filter
    ) override
    {
        last_filter = filter;
        std::vector<custody::QueueRow> found;
        for (const custody::QueueRow& row : rows) {
            const bool fits = row.id > filter.after && (!filter.id || *filter.id == row.id);
            if (fits && found.size() < filter.limit)
                found.push_back(row);
        }
        co_return found;
    }

    asio::awaitable<Result<std::vector<custody::DestinationSummary>>> summary() override
    {
        co_return std::vector<custody::DestinationSummary>{};
    }

    asio::awaitable<Result<std::vector<custody::StudySummary>>>
    studies(std::optional<Uid>, std::size_t limit) override
    {
        std::vector<custody::StudySummary> found = known_studies;
        found.resize(std::min(limit, found.size()));
        co_return found;
    }

    asio::awaitable<Result<std::uint64_t>> retry(custody::QueueFilter filter) override
    {
        last_filter = filter;
        asked.push_back("retry");
        co_return std::uint64_t{3};
    }

    asio::awaitable<Result<std::uint64_t>> drop(custody::QueueFilter filter) override
    {
        last_filter = filter;
        asked.push_back("drop");
        co_return std::uint64_t{1};
    }

    asio::awaitable<Result<void>> hold(std::string destination) override
    {
        if (destination != "cloud")
            co_return error(Errc::not_found, "no destination " + destination);
        asked.push_back("hold " + destination);
        co_return Result<void>();
    }

    asio::awaitable<Result<void>> release(std::string destination) override
    {
        asked.push_back("release " + destination);
        co_return Result<void>();
    }

    void close() override {}
};

/// One slot in memory.
class ScriptedReader final : public custody::SpoolReader {
public:
    ScriptedReader(custody::ReceiptId id, std::string data, bool damaged)
        : data_(std::move(data)), damaged_(damaged)
    {
        envelope_.id = id;
    }

    const custody::Envelope& envelope() const override { return envelope_; }

    Result<std::size_t> read(std::span<std::byte> buffer) override
    {
        const std::size_t count =
            std::min({buffer.size(), data_.size() - at_, std::size_t{10'000}});
        if (count == 0 && damaged_)
            return error(Errc::damaged, "the digest differs");
        std::memcpy(buffer.data(), data_.data() + at_, count);
        at_ += count;
        return count;
    }

    void rewind() override { at_ = 0; }

private:
    custody::Envelope envelope_;
    std::string data_;
    std::size_t at_ = 0;
    bool damaged_;
};

class ScriptedSpool final : public custody::Spool {
public:
    struct Slot {
        custody::ReceiptId receipt = 0;
        std::string data;
        bool damaged = false;
    };

    std::map<std::string, Slot> slots;

    Result<std::unique_ptr<custody::SpoolWriter>> reserve(Bytes) override
    {
        return error(Errc::unsupported);
    }

    Result<std::unique_ptr<custody::SpoolReader>> read(const std::string& slot) override
    {
        const auto found = slots.find(slot);
        if (found == slots.end())
            return error(Errc::not_found, slot);
        return std::make_unique<ScriptedReader>(
            found->second.receipt, found->second.data, found->second.damaged
        );
    }

    std::filesystem::path path(const std::string& slot) const override { return slot; }

    void release(const std::string&) override {}

    Result<std::filesystem::path> quarantine(const std::string&, const std::string&) override
    {
        return error(Errc::unsupported);
    }

    Result<void>
    sweep(const std::function<bool(const custody::StoredInstance&)>&, const std::function<void(custody::SweptSlot)>&)
        override
    {
        return {};
    }

    Bytes free_space() const override { return {}; }

    Bytes used() const override { return {}; }

    bool accepting() const override { return true; }

    void number_above(custody::ReceiptId) override {}

    void on_flush(std::function<void(std::chrono::nanoseconds)>) override {}
};

} // namespace gantry::tests
