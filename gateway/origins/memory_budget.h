// How much of what is on its way may lie in memory, over all who fetch. Nobody waits for it: who
// gets no share uses the disk. Any thread, several at once.
#pragma once

#include "mapping/vocabulary/bytes.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace gantry {

/// For all instances that lie in memory on their way, with default options.
inline constexpr Bytes retrieve_memory{24ULL << 20U};

class MemoryBudget : public std::enable_shared_from_this<MemoryBudget> {
public:
    /// Gives itself back at its end, on whatever thread.
    class Share {
    public:
        Share() = default;

        Share(std::shared_ptr<MemoryBudget> budget, std::uint64_t size) noexcept
            : budget_(std::move(budget)), size_(size)
        {
        }

        Share(Share&& other) noexcept
            : budget_(std::move(other.budget_)), size_(std::exchange(other.size_, 0))
        {
        }

        Share& operator=(Share&& other) noexcept
        {
            std::swap(budget_, other.budget_);
            std::swap(size_, other.size_);
            return *this;
        }

        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;

        ~Share() { shrink_to({}); }

        Bytes size() const noexcept { return {size_}; }

        /// Gives back what is beyond `left`.
        void shrink_to(Bytes left) noexcept
        {
            if (left.count >= size_)
                return;
            budget_->taken_.fetch_sub(size_ - left.count, std::memory_order_relaxed);
            size_ = left.count;
        }

    private:
        std::shared_ptr<MemoryBudget> budget_;
        std::uint64_t size_ = 0;
    };

    explicit MemoryBudget(Bytes most) noexcept : most_(most.count) {}

    /// Nothing where less than `size` is left.
    std::optional<Share> try_take(Bytes size)
    {
        std::uint64_t taken = taken_.load(std::memory_order_relaxed);
        do {
            if (size.count > most_ - taken)
                return std::nullopt;
        } while (!taken_.compare_exchange_weak(taken, taken + size.count));
        return Share(shared_from_this(), size.count);
    }

    Bytes taken() const noexcept { return {taken_.load(std::memory_order_relaxed)}; }

private:
    std::uint64_t most_;
    std::atomic<std::uint64_t> taken_{0};
};

} // namespace gantry
