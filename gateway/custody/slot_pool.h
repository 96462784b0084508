// The files of the spool, free and in use: makes new ones ahead of need, a batch for one flush of
// the folder, and keeps those that are done for use again, since overwriting blocks that exist
// costs a fraction of allocating them. While nothing comes in it writes some ahead for the same
// reason, so that a spool that is new, or that an outage has filled, is as fast. Knows nothing of
// what the slots hold. Any thread may call; one thread of its own makes and deletes files, so that
// nobody on the path of an instance does.
#pragma once

#include "gateway/custody/file.h"
#include "gateway/custody/spool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

namespace gantry::custody {

/// A slot in the hands of one owner.
struct Slot {
    std::string name;
    Fd file;                    // open for reading and writing
    std::uint64_t capacity = 0; // bytes that the file has already
};

class SlotPool {
public:
    /// `folder` outlives the pool. `next_number`: no file, here or in quarantine, has it or one
    /// above.
    SlotPool(const Fd& folder, const SpoolOptions& options, std::uint64_t next_number);
    ~SlotPool();
    SlotPool(const SlotPool&) = delete;
    SlotPool& operator=(const SlotPool&) = delete;

    /// A slot whose name is durable, of fitting size where there is one. `expected` 0: as usual.
    Result<Slot> take(Bytes expected);
    /// Taken and not used after all: its head is untouched.
    void give_back(Slot slot);
    /// Taken, and the disk failed on it: never used again.
    void give_up(Slot slot);
    /// Committed as `length` bytes with its head: no longer the pool's.
    void keep(const Slot& slot, std::uint64_t length);
    /// Was kept, is no longer needed. Its head is overwritten, not flushed. `may_keep` false: the
    /// file goes, whatever its size.
    void recycle(const std::string& name, bool may_keep);
    /// Was kept, and left the folder.
    void forget(std::uint64_t size);
    /// Found by the sweep, kept.
    void found(std::uint64_t size);

    Bytes used() const { return Bytes{used_.load(std::memory_order_relaxed)}; }

    static std::string name_of(std::uint64_t number);
    /// 0 where `name` is not a slot's.
    static std::uint64_t number_of(const std::string& name);

private:
    // By size: class n holds those of 2^(n-1) to 2^n - 1 bytes.
    using FreeSlots = std::map<unsigned, std::vector<std::pair<std::string, std::uint64_t>>>;

    void maintain(const std::stop_token& stop);
    Result<std::vector<std::string>> make(std::size_t count);
    std::string next_to_prepare();
    Result<std::uint64_t> write_ahead(const std::string& name) const;
    void prepare(const std::string& name);
    bool wants_prepared() const;
    Result<Slot> take_new();
    bool take_recycled(Bytes expected, std::string& name);
    void put_recycled(std::string name, std::uint64_t size, bool may_keep);
    void unlink_later(std::string name, std::uint64_t size);
    void unlink_now(const std::string& name);
    Result<Slot> open(const std::string& name) const;

    const Fd& folder_;
    const std::uint64_t max_recycled_;
    const std::uint64_t max_recycled_slot_;
    const std::uint64_t prepared_;
    const std::uint64_t min_free_;
    std::atomic<std::uint64_t> used_ = 0;
    std::atomic<std::uint64_t> typical_ = 0; // size of recent instances
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::uint64_t next_number_;
    std::vector<std::string> ready_; // new, empty, durably named
    FreeSlots recycled_;
    std::uint64_t recycled_bytes_ = 0;
    std::unordered_set<std::string> own_; // handed out and not kept, or recycled: never twice
    std::vector<std::string> doomed_;
    std::chrono::steady_clock::time_point last_taken_{};
    bool making_failed_ = false;
    bool content_ = false;     // the maintenance thread sleeps until it is woken
    std::jthread maintenance_; // last: it uses all of the above
};

} // namespace gantry::custody
