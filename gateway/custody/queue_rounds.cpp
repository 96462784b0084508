// One round of the worker: what has gathered becomes one transaction, then questions are answered.
#include "gateway/custody/queue_open.h"
#include "gateway/custody/queue_worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace gantry::custody {

namespace {

constexpr std::chrono::milliseconds first_retry{100};
constexpr std::chrono::milliseconds last_retry{5'000};

using RealTime = std::chrono::steady_clock; // retries are about the disk, not about deliveries

} // namespace

void QueueWorker::set_flushing(bool full)
{
    if (full == flushing_full_)
        return;
    database_->clear();
    database_->run(full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    flushing_full_ = full && !database_->failed();
}

void QueueWorker::write()
{
    const bool probes = retry_at_.has_value();
    set_flushing(!writes_.empty() || probes);
    database_->begin();
    if (probes) // what failed may not be there to be tried again
        ledger_->probe(time_.now().queue_ms);
    write_instances();
    QueueSteps steps{*database_, *ledger_, *claims_, *listing_, time_};
    std::vector<std::pair<bool, Result<void>>> results;
    for (QueueTask& task : writes_) {
        bool more = false;
        auto step = [&] { more = task.run(steps); };
        auto result = ledger_->attempt(step);
        results.emplace_back(more, std::move(result));
    }
    if (auto done = database_->commit(); !done)
        return failed(done.error());
    committed(!writes_.empty());
    std::deque<QueueTask> tasks = std::exchange(writes_, {});
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        const auto& [more, result] = results[i];
        if (result && tasks[i].committed)
            tasks[i].committed(steps);
        if (result && more)
            writes_.push_back(std::move(tasks[i]));
        else if (tasks[i].done)
            tasks[i].done(result);
    }
}

void QueueWorker::write_instances()
{
    const std::int64_t now_ms = time_.now().queue_ms;
    for (const StoredInstance& instance : instances_) {
        auto step = [&] { ledger_->add(instance, now_ms); };
        if (auto added = ledger_->attempt(step); !added && !database_->failed())
            spdlog::error(
                "instance not indexed, found again at the next start receipt={} reason=\"{}\"",
                instance.envelope.id,
                added.error().text()
            );
    }
}

void QueueWorker::committed(bool with_records)
{
    for (const StoredInstance& instance : instances_)
        newest_ = std::max(newest_, instance.envelope.id);
    instances_.clear();
    undelivered_ = ledger_->undelivered();
    {
        const std::lock_guard lock(mutex_);
        in_round_ = 0;
        if (failing_)
            spdlog::info("queue written again");
        failing_.reset();
    }
    retry_at_.reset();
    retry_pause_ = {};
    const std::vector<DeliveryChange> changes = ledger_->take_changes();
    if (options_.changed && !changes.empty())
        options_.changed(changes);
    if (!with_records)
        return;
    // Only now is it durable that nothing needs these.
    for (const std::string& slot : ledger_->take_released())
        spool_.release(slot);
}

void QueueWorker::failed(const Error& why)
{
    ledger_->rolled_back();
    retry_pause_ = std::clamp(retry_pause_ * 2, first_retry, last_retry);
    retry_at_ = RealTime::now() + retry_pause_;
    {
        const std::lock_guard lock(mutex_);
        if (!failing_)
            spdlog::error("queue cannot be written reason=\"{}\"", why.text());
        failing_ = why;
    }
    std::deque<QueueTask> tasks = std::exchange(writes_, {});
    for (QueueTask& task : tasks) {
        const bool kept = task.kind == QueueTask::Kind::kept_write;
        if (task.done && (!kept || RealTime::now() >= task.deadline))
            std::exchange(task.done, nullptr)(why);
        if (kept)
            writes_.push_back(std::move(task));
    }
    note_damage();
}

void QueueWorker::note_damage()
{
    if (!database_->corrupt() || std::exchange(damage_noted_, true))
        return;
    spdlog::error("the queue's database is damaged, built anew at the next start");
    mark_suspect(options_.database);
}

void QueueWorker::read()
{
    QueueSteps steps{*database_, *ledger_, *claims_, *listing_, time_};
    for (QueueTask& task : std::exchange(reads_, {})) {
        database_->clear();
        task.run(steps);
        auto result = database_->outcome();
        note_damage();
        database_->clear();
        task.done(std::move(result));
    }
}

} // namespace gantry::custody
