// Spool and index brought together at start. The spool is the truth of what is owed, the index of
// what has been delivered.
#include "gateway/custody/queue_open.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace gantry::custody {

namespace {

class Reconciliation {
public:
    Reconciliation(Database& database, Ledger& ledger, Spool& spool, const QueueTime& time)
        : database_(database),
          ledger_(ledger),
          spool_(spool),
          time_(time),
          receipt_(database, "SELECT slot FROM receipt WHERE id = ?1"),
          in_spool_(database, "SELECT id, slot FROM receipt WHERE slot IS NOT NULL"),
          highest_(database, "SELECT coalesce(max(id), 0) FROM receipt"),
          pruned_(database, "SELECT value FROM meta WHERE name = 'pruned_to'")
    {
    }

    Result<void> run()
    {
        database_.begin();
        if (pruned_.with().step())
            pruned_to_ = static_cast<ReceiptId>(pruned_.integer(0));
        pruned_.reset();
        if (highest_.with().step())
            spool_.number_above(std::max(pruned_to_, static_cast<ReceiptId>(highest_.integer(0))));
        highest_.reset();
        auto swept = spool_.sweep(
            [this](const StoredInstance& instance) { return known(instance) == Known::no; },
            [this](const SweptSlot& slot) { found(slot); }
        );
        if (!swept) {
            database_.rollback();
            return swept;
        }
        lose_what_is_missing();
        if (auto done = database_.commit(); !done) {
            ledger_.rolled_back();
            return done;
        }
        tidy_up();
        return {};
    }

private:
    enum class Known : std::uint8_t {
        no,
        here,     // in this very slot
        finished, // released: the head is an old one
        elsewhere // in another slot
    };

    struct Torn {
        std::string slot;
        std::string reason;
    };

    Known known(const StoredInstance& instance)
    {
        const ReceiptId id = instance.envelope.id;
        if (!receipt_.with(id).step())
            return id <= pruned_to_ && !database_.failed() ? Known::finished : Known::no;
        const bool released = receipt_.null(0);
        const std::string slot = receipt_.text(0);
        receipt_.reset();
        if (released)
            return Known::finished;
        return slot == instance.slot ? Known::here : Known::elsewhere;
    }

    void found(const SweptSlot& swept)
    {
        const std::string& slot = swept.instance.slot;
        if (swept.state == SweptSlot::State::empty)
            return free_.push_back(slot);
        if (swept.state == SweptSlot::State::torn)
            return torn_.push_back({slot, swept.reason});
        switch (known(swept.instance)) {
        case Known::here: return seen_.push_back(swept.instance.envelope.id);
        case Known::finished: return free_.push_back(slot);
        case Known::elsewhere:
            return torn_.push_back({slot, "its receipt is kept in another slot"});
        case Known::no: break;
        }
        if (!ledger_.add(swept.instance, time_.now().queue_ms))
            return;
        seen_.push_back(swept.instance.envelope.id);
        ++added_;
    }

    void lose_what_is_missing()
    {
        std::ranges::sort(seen_);
        std::vector<std::pair<ReceiptId, std::string>> missing;
        in_spool_.with();
        while (in_spool_.step()) {
            const auto id = static_cast<ReceiptId>(in_spool_.integer(0));
            if (!std::ranges::binary_search(seen_, id))
                missing.emplace_back(id, in_spool_.text(1));
        }
        for (const auto& [id, slot] : missing) {
            spdlog::error("spool file missing or damaged receipt={} slot={}", id, slot);
            ledger_.lose(id, "spool file missing or damaged: " + slot, time_.now().queue_ms);
            missing_.insert(slot);
        }
    }

    // After the commit: nothing is given free that the index does not durably know to be.
    void tidy_up()
    {
        for (const std::string& slot : free_) {
            if (missing_.contains(slot)) // what should be here is not: keep what is
                torn_.push_back({slot, "does not hold what the index says"});
            else
                spool_.release(slot);
        }
        for (const std::string& slot : ledger_.take_released())
            spool_.release(slot);
        for (const auto& [slot, reason] : torn_) {
            spdlog::error("slot quarantined slot={} reason=\"{}\"", slot, reason);
            if (const auto moved = spool_.quarantine(slot, reason); !moved)
                spdlog::error("not moved slot={} reason=\"{}\"", slot, moved.error().text());
        }
        if (added_ != 0)
            spdlog::warn("instances found in the spool and enqueued count={}", added_);
    }

    Database& database_;
    Ledger& ledger_;
    Spool& spool_;
    const QueueTime& time_;
    Statement receipt_;
    Statement in_spool_;
    Statement highest_;
    Statement pruned_;
    ReceiptId pruned_to_ = 0;
    std::vector<ReceiptId> seen_;
    std::vector<std::string> free_;
    std::vector<Torn> torn_;
    std::unordered_set<std::string> missing_;
    std::size_t added_ = 0;
};

} // namespace

Result<void> reconcile(Database& database, Ledger& ledger, Spool& spool, const QueueTime& time)
{
    Reconciliation reconciliation(database, ledger, spool, time);
    return reconciliation.run();
}

} // namespace gantry::custody
