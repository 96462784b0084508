// The spool: files that hold what has been acknowledged, and say by themselves what they hold.
//
// A spool file ("slot") is a 4 KiB head followed by the data set, byte for byte as received. The
// head is one line of JSON with a checksum of its own, written last; it holds everything that
// custody must know (Envelope), with length and digest of the data set. An instance is durable
// after ONE fdatasync of its slot: a slot's name is made durable when the slot is made, before it
// is used, and slots are used again, so that in steady state nothing but the data itself must reach
// the disk. The queue's index can always be rebuilt from the slots (sweep), so it need not be
// flushed before Success is said.
#pragma once

#include "gateway/loop/clock.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/sop_reference.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gantry::custody {

inline constexpr std::uint64_t slot_head_size = 4'096;

/// Digest of a data set's bytes (XXH3, 128 bits): tells damage and identical duplicates; not a
/// cryptographic promise.
using Digest = std::array<std::byte, 16>;

/// Rises with every receipt, over restarts as well; names a receipt in queue, ledger and logs
/// (delivery=).
using ReceiptId = std::uint64_t;

/// What custody knows of one receipt.
struct Envelope {
    ReceiptId id = 0;
    WallTime received;
    InstanceKey key;
    std::string face;       // "dimse", "web"
    std::string calling_ae; // or empty
    std::string called_ae;
    std::string peer_address;
    std::vector<std::string> destinations; // names of origins; 1 to 16
    Bytes length;                          // of the data set
    Digest digest{};
};

struct StoredInstance {
    Envelope envelope;
    std::string slot; // file name below the spool folder
};

struct SpoolOptions {
    std::filesystem::path folder;
    Bytes min_free{1ULL << 30U};           // below: reserve() fails
    Bytes max_recycled{256ULL << 20U};     // kept in empty slots for use again
    Bytes max_recycled_slot{16ULL << 20U}; // larger ones are deleted when done
    Bytes prepared{0};                     // written ahead into empty slots while nothing comes in
};

/// Takes one instance. One thread at a time. Destroyed before commit(): the slot is free again.
class SpoolWriter {
public:
    virtual ~SpoolWriter() = default;
    virtual Result<void> write(ConstBytes bytes) = 0;
    /// Fills in id, received, length and digest, and returns when the instance would survive a
    /// power cut. A failed flush is final: the slot is given up (a second fdatasync would lie).
    virtual Result<StoredInstance> commit(Envelope envelope) = 0;
};

/// Reads a committed slot's data set. Blocking: not on the loop.
class SpoolReader {
public:
    virtual ~SpoolReader() = default;
    virtual const Envelope& envelope() const = 0;
    /// Up to buffer.size() bytes, 0 at the end. The read that reaches the end fails (damaged) where
    /// length or digest differ.
    virtual Result<std::size_t> read(std::span<std::byte> buffer) = 0;
    virtual void rewind() = 0;
};

/// One finding of the start-up sweep.
struct SweptSlot {
    enum class State : std::uint8_t {
        empty,    // free for use
        complete, // head and digest hold
        torn      // a head without its data, or half a head: never acknowledged, or damaged since
    };

    State state = State::empty;
    StoredInstance instance; // complete: all of it; torn: what could be read, the slot always
    std::string reason;      // torn: what is wrong
};

/// Any thread may call, several at once.
class Spool {
public:
    /// Creates the folder where needed (mode 0700), takes an exclusive lock on it, and removes what
    /// no run could have left in use. Fails where another process holds it or it cannot be written.
    static Result<std::unique_ptr<Spool>> open(SpoolOptions options, const Clock& clock);
    virtual ~Spool() = default;

    /// A slot to write into. `expected` (0: unknown) picks one of fitting size. Fails: spool_full
    /// below min_free, before anything is spent; io errors.
    virtual Result<std::unique_ptr<SpoolWriter>> reserve(Bytes expected) = 0;
    virtual Result<std::unique_ptr<SpoolReader>> read(const std::string& slot) = 0;
    /// The data set's file, for those that pass a descriptor on: caller closes; data starts at
    /// slot_head_size.
    virtual std::filesystem::path path(const std::string& slot) const = 0;
    /// The instance is no longer needed and the index has durably forgotten it: recycle or delete.
    virtual void release(const std::string& slot) = 0;
    /// Moves a slot into quarantine/, where nothing is ever deleted, with the reason beside it.
    /// Returns its new path.
    virtual Result<std::filesystem::path>
    quarantine(const std::string& slot, const std::string& reason) = 0;
    /// Looks at every slot, once, before anything else runs. Heads are always checked; the data is
    /// read and its digest verified only where `suspect` says so. `found` may call release() and
    /// quarantine() for the slot it is given; empty ones are taken for use by the sweep itself.
    virtual Result<void> sweep(
        const std::function<bool(const StoredInstance&)>& suspect,
        const std::function<void(SweptSlot)>& found
    ) = 0;

    virtual Bytes
    free_space() const = 0;         // of the file system, as last measured (at most a second old)
    virtual Bytes used() const = 0; // by slots, empty ones included
    virtual bool accepting() const = 0; // free_space above min_free
    /// Receipt ids given from now on are above `seen`: what the index remembers.
    virtual void number_above(ReceiptId seen) = 0;
    /// Duration of the last flushes, for the latency histogram: called on the writing thread after
    /// each.
    virtual void on_flush(std::function<void(std::chrono::nanoseconds)> observer) = 0;
};

} // namespace gantry::custody
