#include "gateway/origins/cache/block_stock.h"

#include <algorithm>
#include <utility>

namespace gantry::cache {

namespace {

constexpr std::size_t step = 64U << 10U; // sizes are multiples: images of a series differ a little

} // namespace

BlockStock::Block::Block(
    std::shared_ptr<BlockStock> stock, MemoryBudget::Share share, std::size_t size
)
    : stock_(std::move(stock)),
      share_(std::move(share)),
      memory_(stock_->memory_for(size)),
      size_(size)
{
}

BlockStock::Block::~Block()
{
    stock_->give_back(std::move(memory_));
}

BlockStock::BlockStock(Bytes most, Bytes kept)
    : budget_(std::make_shared<MemoryBudget>(most)),
      most_kept_(static_cast<std::size_t>(kept.count))
{
}

std::shared_ptr<BlockStock::Block> BlockStock::take(Bytes size)
{
    auto share = budget_->try_take(size);
    if (!share)
        return nullptr;
    const auto wanted = static_cast<std::size_t>(size.count);
    return std::make_shared<Block>(shared_from_this(), std::move(*share), wanted);
}

BlockStock::Memory BlockStock::memory_for(std::size_t size)
{
    const std::size_t rounded = (size + step - 1) / step * step;
    {
        const std::lock_guard lock(mutex_);
        const auto found = std::ranges::find(idle_, rounded, &Memory::size);
        if (found != idle_.end()) {
            Memory memory = std::move(*found);
            idle_.erase(found);
            kept_ -= memory.size;
            return memory;
        }
    }
    return {std::make_unique_for_overwrite<std::byte[]>(rounded), rounded};
}

// What was given back last is used first: the longest idle one makes room.
void BlockStock::give_back(Memory memory)
{
    std::vector<Memory> too_many;
    const std::lock_guard lock(mutex_);
    if (memory.size > most_kept_)
        return;
    kept_ += memory.size;
    idle_.insert(idle_.begin(), std::move(memory));
    while (kept_ > most_kept_) {
        kept_ -= idle_.back().size;
        too_many.push_back(std::move(idle_.back()));
        idle_.pop_back();
    }
}

} // namespace gantry::cache
