// The worker's start, its housekeeping, and whom it wakes.
#include "gateway/custody/queue_open.h"
#include "gateway/custody/queue_worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace gantry::custody {

namespace {

constexpr std::chrono::minutes upkeep_pause{1};
constexpr std::chrono::hours ceiling_pause{1};
constexpr std::size_t upkeep_step = 500; // rows of one transaction, so that nobody waits long

} // namespace

Result<void> QueueWorker::prepare()
{
    if (auto statements = database_->outcome(); !statements)
        return statements;
    database_->begin();
    for (const std::string& name : options_.destinations)
        ledger_->destination(name);
    for (const KnownDestination& known : ledger_->destinations())
        set_up_times(known.id);
    if (auto done = database_->commit(); !done)
        return done;
    if (auto done = reconcile(*database_, *ledger_, spool_, time_); !done)
        return done;
    Statement newest(*database_, "SELECT coalesce(max(id), 0) FROM receipt");
    if (newest.step())
        newest_ = newest_before_ = prune_ceiling_ = static_cast<ReceiptId>(newest.integer(0));
    undelivered_ = ledger_->undelivered();
    reload_destinations();
    for (const auto& sum : listing_->summary())
        if (!destinations_[sum.destination].claimable && sum.held_rows != 0)
            spdlog::warn(
                "deliveries are held: hold, or no longer configured destination={} rows={}",
                sum.destination,
                sum.held_rows
            );
    return database_->outcome();
}

// Queue time starts where what is queued ended; nothing that was deferred waits longer than the
// longest backoff, whatever the clock was when it was.
void QueueWorker::set_up_times(std::int64_t destination)
{
    Statement latest(
        *database_,
        "SELECT not_before_ms FROM delivery WHERE destination = ?1 "
        "AND state IN ('queued', 'deferred') AND waits = 0 AND state = 'queued' "
        "ORDER BY not_before_ms DESC LIMIT 1"
    );
    if (latest.with(destination).step())
        time_.not_before(latest.integer(0));
    latest.reset();
    Statement limit(
        *database_,
        "UPDATE delivery SET not_before_ms = ?2 WHERE destination = ?1 "
        "AND state IN ('queued', 'deferred') AND waits = 0 AND not_before_ms > ?2"
    );
    const std::int64_t now = time_.now().queue_ms;
    limit.with(destination, now + options_.max_backoff.count()).run();
    Statement kept(
        *database_,
        "UPDATE receipt SET finished_ms = ?1 WHERE slot IS NOT NULL AND finished_ms > ?1"
    );
    kept.with(now).run();
}

void QueueWorker::reload_destinations()
{
    destinations_.clear();
    for (const KnownDestination& known : ledger_->destinations()) {
        const bool configured = std::ranges::count(options_.destinations, known.name) != 0;
        destinations_[known.name] = {known.id, configured && !known.held};
    }
}

std::optional<std::int64_t> QueueWorker::claimable(const std::string& destination) const
{
    const auto known = destinations_.find(destination);
    if (known == destinations_.end() || !known->second.claimable)
        return std::nullopt;
    return known->second.id;
}

void QueueWorker::upkeep()
{
    const SteadyTime now = time_.steady();
    // Forgets nothing that came in within the hour: an instance may be in the spool and not in the
    // index yet, and must not be taken for one that was forgotten.
    if (now >= next_ceiling_) {
        prune_ceiling_ = std::exchange(newest_before_, newest_);
        next_ceiling_ = now + ceiling_pause;
    }
    next_upkeep_ = upkeep_done() ? now + upkeep_pause : now;
}

// False: there is more to do.
bool QueueWorker::upkeep_done()
{
    const std::int64_t now = time_.now().queue_ms;
    set_flushing(true);
    database_->begin();
    const std::size_t released =
        ledger_->release_kept(now - options_.keep_delivered.count(), upkeep_step);
    const std::size_t looked_at =
        ledger_->prune(now - options_.ledger_age.count(), prune_ceiling_, upkeep_step);
    if (auto done = database_->commit(); !done) {
        failed(done.error());
        return true;
    }
    for (const std::string& slot : ledger_->take_released())
        spool_.release(slot);
    return released < upkeep_step && looked_at < upkeep_step;
}

void QueueWorker::wake_waiters()
{
    const std::int64_t now_ms = time_.now().queue_ms;
    const SteadyTime now = time_.steady();
    const bool writable = !failing();
    next_event_ = claims_->expire(now);
    if (writable)
        next_event_ = std::min(next_event_.value_or(next_upkeep_), next_upkeep_);
    std::map<std::string, bool> ready;
    for (const QueueWaiter& waiter : waiters_) {
        const auto destination = claimable(waiter.destination);
        if (!writable || !destination || ready.contains(waiter.destination))
            continue;
        database_->clear();
        const auto due = claims_->next_ready(*destination);
        ready[waiter.destination] = due && *due <= now_ms;
        if (due && *due > now_ms) {
            const SteadyTime at = now + std::chrono::milliseconds(*due - now_ms);
            next_event_ = std::min(next_event_.value_or(at), at);
        }
    }
    std::erase_if(waiters_, [&](QueueWaiter& waiter) {
        if (waiter.abandoned())
            return true;
        if (!ready[waiter.destination])
            return false;
        waiter.done();
        return true;
    });
}

} // namespace gantry::custody
