// The delivery queue and the ledger: who has which instance still to come, and what became of every
// one. SQLite, on a thread of its own that takes what has gathered as one transaction. The spool is
// the truth of what must be delivered; this is its index, and the truth of what has been.
#pragma once

#include "gateway/custody/spool.h"
#include "gateway/loop/asio.h"
#include "gateway/loop/clock.h"
#include "gateway/origin.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::custody {

enum class DeliveryState : std::uint8_t {
    queued,
    sending,  // claimed under a lease
    deferred, // failed for now, tried again at next_attempt
    delivered,
    failed,      // never by itself; an operator may retry it
    quarantined, // conflict, or our copy is damaged
    held,        // would be queued or deferred, but its destination is held or no longer configured
    dropped      // given up by a person; shown like delivered ones, with all
};

const char* to_string(DeliveryState state) noexcept;
std::optional<DeliveryState> delivery_state(std::string_view text) noexcept;

/// A claimed delivery: one instance to one destination.
struct Delivery {
    std::int64_t id = 0;
    StoredInstance instance;
    std::string destination;
    std::uint32_t attempts = 0; // this one included
};

/// What became of an attempt: delivered, deferred (until `next_attempt`), failed, quarantined, or
/// queued (given back as it was).
struct DeliveryRecord {
    std::int64_t id = 0;
    DeliveryState state = DeliveryState::deferred;
    std::string answer;      // for the ledger and last_error
    WallTime next_attempt{}; // deferred
    bool counts = true;      // false: the attempt never reached the destination and does not count
    StoreOutcome::Kind kind = StoreOutcome::Kind::transient; // of the attempt, for DeliveryChange
    std::uint16_t reason = 0;                                // likewise; 0: none
};

/// A delivery has ended: delivered, failed, quarantined or dropped.
struct DeliveryChange {
    std::int64_t id = 0;
    DeliveryState state = DeliveryState::delivered;
    StoreOutcome::Kind kind = StoreOutcome::Kind::stored;
    std::uint16_t reason = 0; // warning or failure reason, 0: none
};

/// A row of `gantry queue list` (architecture: one for each instance and destination).
struct QueueRow {
    std::int64_t id = 0;
    InstanceKey key;
    std::string destination;
    DeliveryState state = DeliveryState::queued;
    std::uint32_t attempts = 0;
    std::optional<WallTime> next_attempt;
    std::string last_error; // of the last attempt, while not delivered
    std::string answer;     // delivered: the destination's
    WallTime received;
    std::optional<WallTime> delivered;
    std::string calling_ae;
    std::string peer_address;
    Bytes bytes;
    ReceiptId receipt = 0;
    std::string slot; // empty once it is released
};

struct QueueFilter {
    bool all = false; // delivered and dropped ones too
    std::optional<std::string> destination;
    std::optional<DeliveryState> state;
    std::optional<Uid> study;
    std::optional<Uid> instance;
    std::optional<std::int64_t> id;
    std::int64_t after = 0; // ids above this, in order: paging
    std::size_t limit = 1'000;
};

/// Per destination, for status, metrics and the page.
struct DestinationSummary {
    std::string destination;
    bool held = false;
    std::uint64_t queued = 0; // and deferred, sending below
    std::uint64_t sending = 0;
    std::uint64_t deferred = 0;
    std::uint64_t delivered = 0;
    std::uint64_t failed = 0;
    std::uint64_t quarantined = 0;
    std::uint64_t held_rows = 0;
    std::uint64_t dropped = 0;
    std::optional<WallTime> oldest;         // receipt of the oldest not delivered
    std::optional<WallTime> last_delivered; // of studies() only
    std::string last_error;
};

/// Of one study: received n, delivered m to whom.
struct StudySummary {
    Uid study;
    std::uint64_t received = 0; // distinct instances
    WallTime first_received;
    WallTime last_received;
    std::vector<DestinationSummary> destinations;
};

struct QueueOptions {
    std::filesystem::path database;
    std::vector<std::string>
        destinations; // configured now; rows of others stay visible and are held
    std::uint64_t max_queued = 5'000'000; // rows not delivered; enqueue() fails above (queue_full)
    std::chrono::milliseconds keep_delivered{0}; // spool files of delivered instances stay so long
    std::chrono::milliseconds ledger_age{std::chrono::hours{24 * 90}};
    std::chrono::milliseconds max_backoff{std::chrono::minutes{10}}; // no retry is due later than
                                                                     // this after a restart
    /// Hears what has ended, once that is durable. On the queue's own thread: must be quick.
    std::function<void(const std::vector<DeliveryChange>&)> changed = {};
};

/// What the queue holds, read by another process than the service: while it runs, or while it does
/// not. Blocking; without leases, so that nothing is `sending`. Never modifies anything.
class QueueReader {
public:
    /// `destinations`: those configured; rows of others show as held. Fails: not_found where there
    /// is no database, newer_schema, database.
    static Result<std::unique_ptr<QueueReader>>
    open(const std::filesystem::path& database, std::vector<std::string> destinations);
    virtual ~QueueReader() = default;

    virtual Result<std::vector<QueueRow>> list(const QueueFilter& filter) = 0;
    virtual Result<std::vector<DestinationSummary>> summary() = 0;
    virtual Result<std::vector<StudySummary>>
    studies(std::optional<Uid> study, std::size_t limit) = 0;
};

class DeliveryQueue {
public:
    /// Opens or creates the database, migrates it, returns leases of the last run to the queue, and
    /// reconciles it with the spool in both directions: slots without rows are enqueued again, rows
    /// without slots are quarantined, torn slots go to quarantine. Blocking; call before the loop
    /// runs.
    static Result<std::unique_ptr<DeliveryQueue>>
    open(QueueOptions options, Spool& spool, const Clock& clock, asio::any_io_executor loop);
    virtual ~DeliveryQueue() = default;

    /// May an instance come in? Cheap, any thread, asked before its first byte: fails with
    /// queue_full or, while the database cannot be written, with its error.
    virtual Result<void> admit() const = 0;
    /// Takes what the spool has made durable. Any thread; bounded: blocks for a moment where the
    /// index is behind. Never loses it: what cannot be written now is kept and written later, and
    /// the sweep would find it again.
    virtual void enqueue(StoredInstance instance) = 0;

    // All below: loop. But for ready(), none is interrupted by cancellation; each ends within
    // half a minute, whatever the disk does.

    /// Up to max_instances of one study and max_bytes together (at least one instance), oldest
    /// first, under a lease. Empty where nothing is ready, or the destination is held. Of several
    /// receipts of one SOP instance the oldest goes first, the next when it has ended; an identical
    /// one is then delivered with it. Fails while the database cannot be written: what could not be
    /// recorded is not sent.
    virtual asio::awaitable<Result<std::vector<Delivery>>> claim(
        std::string destination,
        std::size_t max_instances,
        Bytes max_bytes,
        std::chrono::seconds lease
    ) = 0;
    /// Durable when it completes. Slots of instances with nothing left to deliver are released
    /// afterwards. Records may stand for rows whose lease has run out; those already delivered stay
    /// so. An error means: not durable yet. The record is kept and written as soon as the database
    /// can be written, and its instances are not handed out before; do not record them again.
    virtual asio::awaitable<Result<void>> record(std::vector<DeliveryRecord> records) = 0;
    virtual asio::awaitable<Result<void>>
    renew(std::vector<std::int64_t> ids, std::chrono::seconds lease) = 0;
    /// Completes when claim() may find something: a new instance, a due retry, a release. At once
    /// where that is so now. Cancelled like any wait.
    virtual asio::awaitable<void> ready(std::string destination) = 0;

    virtual asio::awaitable<Result<std::vector<QueueRow>>> list(QueueFilter filter) = 0;
    virtual asio::awaitable<Result<std::vector<DestinationSummary>>> summary() = 0;
    virtual asio::awaitable<Result<std::vector<StudySummary>>>
    studies(std::optional<Uid> study, std::size_t limit) = 0;

    // Operator's verbs; each returns how many rows it changed.
    virtual asio::awaitable<Result<std::uint64_t>> retry(QueueFilter filter
    ) = 0; // failed, deferred, quarantined: now
    virtual asio::awaitable<Result<std::uint64_t>> drop(QueueFilter filter
    ) = 0; // given up by a person, kept in the ledger
    virtual asio::awaitable<Result<void>> hold(std::string destination
    ) = 0; // durable over restarts
    virtual asio::awaitable<Result<void>> release(std::string destination) = 0;

    /// Takes no more, writes what it has, closes the database. Blocking, after the loop's tasks
    /// have ended.
    virtual void close() = 0;
};

} // namespace gantry::custody
