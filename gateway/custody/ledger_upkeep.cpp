// The ledger's own housekeeping: what is lost, what was kept long enough, what is old.
#include "gateway/custody/ledger.h"
#include "gateway/custody/schema.h"

#include <utility>

namespace gantry::custody {

void Ledger::lose(ReceiptId receipt, const std::string& reason, std::int64_t now_ms)
{
    const auto first = static_cast<std::int64_t>(receipt) * deliveries_per_receipt;
    std::vector<std::int64_t> deliveries;
    deliveries_of_.with(first);
    while (deliveries_of_.step())
        deliveries.push_back(deliveries_of_.integer(0));
    for (const std::int64_t delivery : deliveries) {
        record(
            {.id = delivery, .state = DeliveryState::quarantined, .answer = reason, .counts = false
            },
            {.queue_ms = now_ms, .wall = {}}
        );
    }
    forget_slot_.with(receipt).run();
}

std::size_t Ledger::release_kept(std::int64_t finished_before_ms, std::size_t limit)
{
    std::vector<std::int64_t> receipts;
    kept_.with(finished_before_ms, limit);
    while (kept_.step()) {
        receipts.push_back(kept_.integer(0));
        released_.push_back(kept_.text(1));
    }
    for (const std::int64_t receipt : receipts)
        forget_slot_.with(receipt).run();
    return receipts.size();
}

std::size_t Ledger::prune(std::int64_t finished_before_ms, ReceiptId ceiling, std::size_t limit)
{
    std::vector<std::pair<std::int64_t, bool>> oldest;
    oldest_.with(pruned_to_, ceiling, finished_before_ms, limit);
    while (oldest_.step())
        oldest.emplace_back(oldest_.integer(0), oldest_.integer(1) != 0);
    std::int64_t newest_pruned = 0;
    for (const auto& [receipt, old] : oldest) {
        pruned_to_ = static_cast<ReceiptId>(receipt);
        if (!old)
            continue;
        delete_deliveries_.with(receipt * deliveries_per_receipt).run();
        delete_receipt_.with(receipt).run();
        newest_pruned = receipt;
    }
    if (newest_pruned != 0)
        set_pruned_.with(newest_pruned).run();
    if (oldest.size() < limit)
        pruned_to_ = 0; // from the start next time
    return oldest.size();
}

void Ledger::probe(std::int64_t now_ms)
{
    probe_.with(now_ms).run();
}

std::vector<DeliveryChange> Ledger::take_changes()
{
    return std::exchange(changes_, {});
}

std::vector<std::string> Ledger::take_released()
{
    return std::exchange(released_, {});
}

void Ledger::rolled_back()
{
    changes_.clear();
    ids_.clear();
    released_.clear();
    pruned_to_ = 0;
}

std::uint64_t Ledger::undelivered()
{
    const bool counted = undelivered_.with().step();
    const auto count = counted ? static_cast<std::uint64_t>(undelivered_.integer(0)) : 0;
    undelivered_.reset();
    return count;
}

} // namespace gantry::custody
