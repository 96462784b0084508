// Memory for data sets that are read ahead, used again: fresh memory costs more than reading the
// file into it does. Any thread, several at once.
#pragma once

#include "gateway/origins/memory_budget.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace gantry::cache {

class BlockStock : public std::enable_shared_from_this<BlockStock> {
public:
    /// A block; its memory goes back to the stock with it.
    class Block {
    public:
        Block(std::shared_ptr<BlockStock> stock, MemoryBudget::Share share, std::size_t size);
        ~Block();
        Block(const Block&) = delete;
        Block& operator=(const Block&) = delete;

        std::span<std::byte> bytes() noexcept { return {memory_.bytes.get(), size_}; }

    private:
        friend class BlockStock;

        std::shared_ptr<BlockStock> stock_;
        MemoryBudget::Share share_;

        struct Memory {
            std::unique_ptr<std::byte[]> bytes;
            std::size_t size = 0;
        } memory_;

        std::size_t size_;
    };

    /// So much may be in use; `kept` lies idle at the most.
    BlockStock(Bytes most, Bytes kept);

    /// Null where too much is in use.
    std::shared_ptr<Block> take(Bytes size);

private:
    using Memory = Block::Memory;

    Memory memory_for(std::size_t size);
    void give_back(Memory memory);

    std::shared_ptr<MemoryBudget> budget_;
    std::size_t most_kept_;
    std::mutex mutex_;
    std::vector<Memory> idle_; // with mutex_, as below
    std::size_t kept_ = 0;
};

} // namespace gantry::cache
