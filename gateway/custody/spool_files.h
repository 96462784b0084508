// What the parts of the spool share: writer, reader and sweep of one spool folder. Internal to
// custody's spool*.cpp.
#pragma once

#include "gateway/custody/slot_pool.h"
#include "gateway/custody/spool.h"
#include "gateway/custody/spool_space.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace gantry::custody {

/// Gives receipts their ids: rising, over restarts as well. Milliseconds since the epoch where that
/// is above the last one: even a spool and a database that were both lost do not bring old ids
/// back, and ids stay exact in JSON (below 2^53).
class ReceiptNumbers {
public:
    explicit ReceiptNumbers(const Clock& clock) : clock_(clock) {}

    ReceiptId next();
    void above(ReceiptId seen);

private:
    const Clock& clock_;
    std::atomic<ReceiptId> last_ = 0;
};

using FlushObserver = std::function<void(std::chrono::nanoseconds)>;

/// What a writer needs of its spool; the spool outlives it.
struct WriterContext {
    SlotPool& pool;
    SpoolSpace& space;
    ReceiptNumbers& numbers;
    const Clock& clock;
    const FlushObserver& flushed;
};

std::unique_ptr<SpoolWriter> make_writer(WriterContext context, Slot slot);

/// Reads and checks the head. Fails: not_found, damaged, disk.
Result<std::unique_ptr<SpoolReader>> make_reader(const Fd& folder, const std::string& slot);

/// What one slot holds. Reads the data where `suspect` asks for it.
SweptSlot look_at(
    const Fd& folder,
    const std::string& slot,
    const std::function<bool(const StoredInstance&)>& suspect
);

} // namespace gantry::custody
