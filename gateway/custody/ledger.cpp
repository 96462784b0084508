#include "gateway/custody/ledger.h"

#include "gateway/custody/schema.h"

#include <algorithm>
#include <utility>

namespace gantry::custody {

namespace {

constexpr std::size_t max_answer = 1'000; // of the other side's words in the ledger
constexpr std::chrono::hours max_delay{24};

std::int64_t first_delivery(ReceiptId receipt)
{
    return static_cast<std::int64_t>(receipt) * deliveries_per_receipt;
}

std::int64_t receipt_of(std::int64_t delivery)
{
    return delivery / deliveries_per_receipt;
}

std::int64_t milliseconds_of(WallTime time)
{
    return time.time_since_epoch().count();
}

bool open_state(std::string_view state)
{
    return state == "queued" || state == "deferred";
}

} // namespace

struct Ledger::Row {
    std::int64_t id = 0;
    std::int64_t destination = 0;
    std::string sop_instance;
    std::string state;
    bool waits = false;
    std::int64_t attempts = 0;

    bool open() const { return open_state(state); }
};

std::vector<KnownDestination> Ledger::destinations()
{
    std::vector<KnownDestination> known;
    destinations_.with();
    while (destinations_.step())
        known.push_back(
            {destinations_.integer(0), destinations_.text(1), destinations_.integer(2) != 0}
        );
    return known;
}

std::int64_t Ledger::destination(const std::string& name)
{
    if (const auto known = ids_.find(name); known != ids_.end())
        return known->second;
    std::int64_t id = 0;
    if (find_destination_.with(name).step()) {
        id = find_destination_.integer(0);
        find_destination_.reset();
    } else if (add_destination_.with(name).step()) {
        id = add_destination_.integer(0);
        add_destination_.run();
    }
    if (!database_.failed())
        ids_[name] = id;
    return id;
}

bool Ledger::hold(const std::string& name, bool held)
{
    hold_.with(name, held).run();
    return database_.changes() != 0;
}

bool Ledger::add(const StoredInstance& instance, std::int64_t now_ms)
{
    const Envelope& e = instance.envelope;
    add_receipt_
        .with(
            e.id,
            e.key.study.str(),
            e.key.series.str(),
            e.key.sop.sop_class.str(),
            e.key.sop.sop_instance.str(),
            e.key.transfer_syntax.str(),
            e.face,
            e.calling_ae,
            e.called_ae,
            e.peer_address,
            milliseconds_of(e.received),
            e.length.count,
            ConstBytes(e.digest),
            instance.slot
        )
        .run();
    if (database_.failed() || database_.changes() == 0)
        return false;
    std::int64_t id = first_delivery(e.id);
    for (const std::string& name : e.destinations) {
        const std::int64_t to = destination(name);
        const std::string& sop = e.key.sop.sop_instance.str();
        add_delivery_.with(id++, to, sop, has_leader(to, sop), now_ms).run();
    }
    return true;
}

bool Ledger::has_leader(std::int64_t destination, const std::string& sop_instance)
{
    const bool found = find_leader_.with(destination, sop_instance).step();
    find_leader_.reset();
    return found;
}

bool Ledger::load(std::int64_t delivery, Row& row)
{
    if (!load_.with(delivery).step())
        return false;
    row.id = delivery;
    row.destination = load_.integer(0);
    row.sop_instance = load_.text(1);
    row.state = load_.text(2);
    row.waits = load_.integer(3) != 0;
    row.attempts = load_.integer(4);
    load_.reset();
    return true;
}

void Ledger::record(const DeliveryRecord& record, Moment now)
{
    Row row;
    if (!load(record.id, row) || row.state == "delivered")
        return;
    const std::string answer = record.answer.substr(0, max_answer);
    row.attempts += record.counts ? 1 : 0;
    if (record.state == DeliveryState::delivered)
        return end(row, {record.state, record.kind, record.reason}, answer, now);
    if (!row.open()) // ended by a person meanwhile
        return;
    if (record.state != DeliveryState::queued)
        set_last_error_.with(row.destination, answer).run();
    switch (record.state) {
    case DeliveryState::failed:
    case DeliveryState::quarantined:
        return end(row, {record.state, record.kind, record.reason}, answer, now);
    case DeliveryState::deferred: {
        const std::chrono::milliseconds wait = record.next_attempt - now.wall;
        const auto delay = std::clamp<std::chrono::milliseconds>(wait, {}, max_delay).count();
        return set_deferred_.with(row.id, row.attempts, answer, now.queue_ms + delay).run();
    }
    default: set_attempts_.with(row.id, row.attempts).run();
    }
}

void Ledger::end(
    const Row& row, Verdict verdict, const std::optional<std::string>& answer, Moment now
)
{
    const bool delivered = verdict.state == DeliveryState::delivered;
    const auto at = delivered ? std::optional(milliseconds_of(now.wall)) : std::nullopt;
    set_ended_.with(row.id, to_string(verdict.state), row.attempts, answer, at).run();
    changes_.push_back({row.id, verdict.state, verdict.kind, verdict.reason});
    if (row.open() && !row.waits)
        lead_next(row, verdict, now);
    finish(static_cast<ReceiptId>(receipt_of(row.id)), now.queue_ms);
}

// Those that waited behind a delivery that has ended: identical ones are delivered with it, up to
// the first that differs; that one is next.
void Ledger::lead_next(const Row& ended, Verdict verdict, Moment now)
{
    const bool delivered = verdict.state == DeliveryState::delivered;
    const std::int64_t delivered_receipt = delivered ? receipt_of(ended.id) : 0;
    while (next_waiting_.with(ended.destination, ended.sop_instance).step()) {
        const std::int64_t next = next_waiting_.integer(0);
        next_waiting_.reset();
        const std::int64_t receipt = receipt_of(next);
        if (delivered_receipt == 0 ||
            !identical(static_cast<ReceiptId>(delivered_receipt), static_cast<ReceiptId>(receipt)))
            return set_leading_.with(next).run();
        Row row;
        if (!load(next, row))
            return;
        const std::string answer = "identical to receipt " + std::to_string(delivered_receipt);
        set_ended_.with(next, "delivered", row.attempts, answer, milliseconds_of(now.wall)).run();
        changes_.push_back({next, verdict.state, verdict.kind, verdict.reason});
        finish(static_cast<ReceiptId>(receipt), now.queue_ms);
    }
}

bool Ledger::identical(ReceiptId a, ReceiptId b)
{
    const bool same = identical_.with(a, b).step();
    identical_.reset();
    return same;
}

// Where nothing is left to deliver the slot is free, at once or when it has been kept long enough.
void Ledger::finish(ReceiptId receipt, std::int64_t now_ms)
{
    const bool counted = count_open_.with(first_delivery(receipt)).step();
    const bool finished = counted && count_open_.integer(0) == 0;
    count_open_.reset();
    if (!finished || !slot_of_.with(receipt).step())
        return;
    std::optional<std::string> slot;
    if (!slot_of_.null(0))
        slot = slot_of_.text(0);
    slot_of_.reset();
    if (slot && keep_delivered_.count() == 0) {
        released_.push_back(std::move(*slot));
        slot.reset();
    }
    set_finished_.with(receipt, now_ms, slot).run();
}

bool Ledger::retry(std::int64_t delivery, std::int64_t now_ms)
{
    Row row;
    if (!load(delivery, row) || row.state == "delivered" || row.state == "dropped")
        return false;
    const bool has_file = slot_of_.with(receipt_of(delivery)).step() && !slot_of_.null(0);
    slot_of_.reset();
    if (!has_file || row.state == "queued")
        return false;
    const bool waits = row.open() ? row.waits : has_leader(row.destination, row.sop_instance);
    set_queued_.with(delivery, waits, now_ms).run();
    return true;
}

bool Ledger::drop(std::int64_t delivery, std::int64_t now_ms)
{
    Row row;
    if (!load(delivery, row) || row.state == "delivered" || row.state == "dropped")
        return false;
    end(row, Verdict{}, std::nullopt, {.queue_ms = now_ms, .wall = {}});
    return true;
}

} // namespace gantry::custody
