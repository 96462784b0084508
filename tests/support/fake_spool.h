// A spool in memory, that counts what is read from it and can damage what it holds.
#pragma once

#include "gateway/custody/spool.h"
#include "gateway/error.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace gantry::tests {

/// A slot of `length` bytes that follow from their position, so that a large one needs no memory.
struct FakeSlot {
    custody::StoredInstance instance;
    std::string bytes;       // or empty: made up
    bool damaged = false;    // the read that reaches the end fails
    std::size_t largest = 0; // buffer that was asked to be filled
    std::size_t open = 0;    // readers now
};

inline std::byte made_up_byte(std::uint64_t position)
{
    return static_cast<std::byte>((position * 31 + (position >> 12U)) & 0xffU);
}

class FakeSpool final : public custody::Spool {
public:
    /// The instance as custody would hand it out.
    custody::StoredInstance put(InstanceKey key, Bytes length, std::string bytes = {})
    {
        const std::lock_guard lock(mutex_);
        const std::string name = "slot" + std::to_string(slots_.size());
        FakeSlot& slot = slots_[name];
        slot.instance.slot = name;
        slot.instance.envelope.id = slots_.size();
        slot.instance.envelope.key = std::move(key);
        slot.instance.envelope.length = length;
        slot.instance.envelope.calling_ae = "CT1";
        slot.bytes = std::move(bytes);
        return slot.instance;
    }

    FakeSlot& slot(const std::string& name) { return slots_.at(name); }

    Result<std::unique_ptr<custody::SpoolReader>> read(const std::string& name) override
    {
        const std::lock_guard lock(mutex_);
        const auto found = slots_.find(name);
        if (found == slots_.end())
            return error(Errc::not_found, name);
        ++found->second.open;
        return std::make_unique<Reader>(found->second);
    }

    Result<std::unique_ptr<custody::SpoolWriter>> reserve(Bytes) override
    {
        return error(Errc::unsupported);
    }

    std::filesystem::path path(const std::string& slot) const override { return slot; }

    void release(const std::string&) override {}

    Result<std::filesystem::path> quarantine(const std::string& slot, const std::string&) override
    {
        return std::filesystem::path(slot);
    }

    Result<void>
    sweep(const std::function<bool(const custody::StoredInstance&)>&, const std::function<void(custody::SweptSlot)>&)
        override
    {
        return {};
    }

    Bytes free_space() const override { return Bytes{1ULL << 40U}; }

    Bytes used() const override { return {}; }

    bool accepting() const override { return true; }

    void number_above(custody::ReceiptId) override {}

    void on_flush(std::function<void(std::chrono::nanoseconds)>) override {}

private:
    class Reader final : public custody::SpoolReader {
    public:
        explicit Reader(FakeSlot& slot) : slot_(slot) {}

        ~Reader() override { --slot_.open; }

        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;

        const custody::Envelope& envelope() const override { return slot_.instance.envelope; }

        Result<std::size_t> read(std::span<std::byte> buffer) override
        {
            slot_.largest = std::max(slot_.largest, buffer.size());
            const std::uint64_t length = slot_.instance.envelope.length.count;
            const auto size =
                static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), length - at_));
            if (!slot_.bytes.empty())
                std::memcpy(buffer.data(), slot_.bytes.data() + at_, size);
            else
                std::ranges::generate(buffer.first(size), [position = at_]() mutable {
                    return made_up_byte(position++);
                });
            at_ += size;
            if (at_ == length && slot_.damaged)
                return error(Errc::damaged, slot_.instance.slot);
            return size;
        }

        void rewind() override { at_ = 0; }

    private:
        FakeSlot& slot_;
        std::uint64_t at_ = 0;
    };

    std::mutex mutex_;
    std::map<std::string, FakeSlot> slots_;
};

} // namespace gantry::tests
