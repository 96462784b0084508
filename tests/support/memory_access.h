// Bytes in memory that can be read at any place, and how much of them has been read.
#pragma once

#include "mapping/vocabulary/random_access.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace gantry::tests {

class MemoryAccess final : public RandomAccess {
public:
    explicit MemoryAccess(std::string bytes) : bytes_(std::move(bytes)) {}

    Bytes size() const override { return {bytes_.size()}; }

    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) const override
    {
        const auto all = std::as_bytes(std::span(bytes_));
        const auto from = all.subspan(std::min<std::uint64_t>(offset, all.size()));
        const auto part = from.first(std::min(from.size(), into.size()));
        std::ranges::copy(part, into.begin());
        read_ += part.size();
        return part.size();
    }

    std::uint64_t read_so_far() const { return read_; }

private:
    std::string bytes_;
    mutable std::atomic<std::uint64_t> read_{0};
};

inline std::shared_ptr<const MemoryAccess> memory_access(std::string bytes)
{
    return std::make_shared<const MemoryAccess>(std::move(bytes));
}

} // namespace gantry::tests
