// The steps by which queue and ledger change, one by one. On the thread that owns the database,
// inside its transactions; what goes wrong shows when the transaction ends. Never waits, never
// touches the spool.
#pragma once

#include "gateway/custody/database.h"
#include "gateway/custody/queue.h"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::custody {

/// Time as the queue sees it. `queue_ms` runs evenly while the process lives, and never goes back
/// over a restart while something is queued: what is due is not a matter of the machine's clock
/// being set. `wall` is for people.
struct Moment {
    std::int64_t queue_ms = 0;
    WallTime wall;
};

struct KnownDestination {
    std::int64_t id = 0;
    std::string name;
    bool held = false;
};

class Ledger {
public:
    Ledger(Database& database, std::chrono::milliseconds keep_delivered);

    /// All that any row names, configured or not.
    std::vector<KnownDestination> destinations();
    /// Its id; made where it is new.
    std::int64_t destination(const std::string& name);
    /// False: no such destination.
    bool hold(const std::string& destination, bool held);

    /// A receipt and its deliveries. False: it is known already.
    bool add(const StoredInstance& instance, std::int64_t now_ms);
    void record(const DeliveryRecord& record, Moment now);
    /// Failed, deferred or quarantined: due now. False: nothing to try, or no file any more.
    bool retry(std::int64_t delivery, std::int64_t now_ms);
    /// Not delivered: given up. False: it is delivered, or dropped already.
    bool drop(std::int64_t delivery, std::int64_t now_ms);
    /// Its file is gone or damaged: what is not delivered is quarantined; the slot is forgotten.
    void lose(ReceiptId receipt, const std::string& reason, std::int64_t now_ms);

    /// Kept slots whose time has come are released; how many, `limit` at the most.
    std::size_t release_kept(std::int64_t finished_before_ms, std::size_t limit);
    /// Forgets finished receipts, a few at a time: looks at `limit` receipts above where it stopped
    /// last, none above `ceiling`. How many it looked at.
    std::size_t prune(std::int64_t finished_before_ms, ReceiptId ceiling, std::size_t limit);

    /// Writes something: whether the database can be written shows at the commit.
    void probe(std::int64_t now_ms);

    /// Deliveries that have ended, once the transaction is committed; empties the list.
    std::vector<DeliveryChange> take_changes();

    /// Slots that nothing needs any more, once the transaction is committed; empties the list.
    std::vector<std::string> take_released();

    /// A step that fails for itself (not for the disk) is undone alone, and its error returned.
    template <std::invocable Step>
    Result<void> attempt(Step&& step)
    {
        const std::size_t released = released_.size();
        const std::size_t changes = changes_.size();
        auto done = database_.attempt(std::forward<Step>(step));
        if (!done) {
            released_.resize(released); // still needed after all
            changes_.resize(changes);
            ids_.clear();
        }
        return done;
    }

    /// After a rollback: forgets what it remembered of the transaction.
    void rolled_back();
    std::uint64_t undelivered();

private:
    struct Row;

    bool load(std::int64_t delivery, Row& row);

    /// How an attempt ended, for those who wait.
    struct Verdict {
        DeliveryState state = DeliveryState::dropped;
        StoreOutcome::Kind kind = StoreOutcome::Kind::refused;
        std::uint16_t reason = 0;
    };

    void end(const Row& row, Verdict verdict, const std::optional<std::string>& answer, Moment now);
    void lead_next(const Row& ended, Verdict verdict, Moment now);
    bool identical(ReceiptId a, ReceiptId b);
    bool has_leader(std::int64_t destination, const std::string& sop_instance);
    void finish(ReceiptId receipt, std::int64_t now_ms);

    Database& database_;
    const std::chrono::milliseconds keep_delivered_;
    std::map<std::string, std::int64_t> ids_;
    std::vector<std::string> released_;
    std::vector<DeliveryChange> changes_;
    ReceiptId pruned_to_ = 0;

    Statement destinations_;
    Statement find_destination_;
    Statement add_destination_;
    Statement hold_;
    Statement set_last_error_;
    Statement add_receipt_;
    Statement add_delivery_;
    Statement find_leader_;
    Statement load_;
    Statement set_ended_;
    Statement set_deferred_;
    Statement set_attempts_;
    Statement set_queued_;
    Statement next_waiting_;
    Statement set_leading_;
    Statement identical_;
    Statement count_open_;
    Statement slot_of_;
    Statement set_finished_;
    Statement deliveries_of_;
    Statement kept_;
    Statement forget_slot_;
    Statement oldest_;
    Statement delete_deliveries_;
    Statement delete_receipt_;
    Statement set_pruned_;
    Statement undelivered_;
    Statement probe_;
};

} // namespace gantry::custody
