#include "gateway/custody/queue_worker.h"

#include "gateway/custody/queue_open.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <pthread.h>
#include <utility>

namespace gantry::custody {

namespace {

constexpr std::size_t max_backlog = 10'000;
constexpr std::size_t max_instances_a_round = 2'000;
constexpr std::size_t max_tasks_a_round = 500;
constexpr std::chrono::seconds enqueue_patience{1};
constexpr std::chrono::seconds answer_within{30};

using RealTime = std::chrono::steady_clock; // retries are about the disk, not about deliveries

} // namespace

QueueWorker::QueueWorker(
    QueueOptions options, std::unique_ptr<Database> database, Spool& spool, const Clock& clock
)
    : options_(std::move(options)), spool_(spool), database_(std::move(database)), time_(clock)
{
    ledger_ = std::make_unique<Ledger>(*database_, options_.keep_delivered);
    claims_ = std::make_unique<Claims>(*database_);
    listing_ = std::make_unique<Listing>(*database_, options_.destinations, live_state());
}

QueueWorker::~QueueWorker()
{
    stop();
}

LiveState QueueWorker::live_state()
{
    LiveState live;
    live.leased = [this](std::int64_t delivery) { return claims_->leased(delivery); };
    live.leased_to = [this](std::int64_t to) { return claims_->leased_to(to); };
    live.wall_ahead = [this] {
        const Moment now = time_.now();
        return now.wall.time_since_epoch() - std::chrono::milliseconds(now.queue_ms);
    };
    return live;
}

void QueueWorker::start()
{
    next_upkeep_ = time_.steady();
    thread_ = std::thread([this] { run(); });
}

void QueueWorker::stop()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    room_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

Result<void> QueueWorker::admit() const
{
    const std::lock_guard lock(mutex_);
    if (stopping_)
        return error(Errc::closed);
    if (failing_)
        return *failing_;
    const std::size_t unwritten = backlog_.size() + in_round_;
    if (unwritten >= max_backlog || undelivered_ + unwritten >= options_.max_queued)
        return error(Errc::queue_full);
    return {};
}

void QueueWorker::enqueue(StoredInstance instance)
{
    std::unique_lock lock(mutex_);
    // Whoever got in by admit() is let through in the end: they are as many as there are
    // associations, and the instance is durable already.
    room_.wait_for(lock, enqueue_patience, [this] {
        return backlog_.size() < max_backlog || stopping_;
    });
    backlog_.push_back(std::move(instance));
    wake_.notify_one();
}

void QueueWorker::post(QueueTask task)
{
    task.deadline = RealTime::now() + answer_within;
    {
        const std::lock_guard lock(mutex_);
        if (!stopping_) {
            tasks_.push_back(std::move(task));
            wake_.notify_one();
            return;
        }
    }
    task.done(error(Errc::closed));
}

void QueueWorker::wait(QueueWaiter waiter)
{
    const std::lock_guard lock(mutex_);
    if (stopping_)
        return; // cancelled with the rest
    new_waiters_.push_back(std::move(waiter));
    wake_.notify_one();
}

bool QueueWorker::failing() const
{
    const std::lock_guard lock(mutex_);
    return failing_.has_value();
}

void QueueWorker::run()
{
    pthread_setname_np(pthread_self(), "queue");
    while (wait_for_work()) {
        collect();
        round();
    }
    do { // the last chance for what came in meanwhile
        collect();
        round();
    } while (!failing() && work_left());
    answer_all(error(Errc::closed));
    database_->run("PRAGMA wal_checkpoint(TRUNCATE)");
}

bool QueueWorker::wait_for_work()
{
    std::unique_lock lock(mutex_);
    const auto work = [this] {
        return stopping_ || !tasks_.empty() || !new_waiters_.empty() || !reads_.empty() ||
               (!retry_at_ && (!backlog_.empty() || !writes_.empty()));
    };
    auto until = retry_at_;
    if (next_event_) {
        const auto event = RealTime::now() + (*next_event_ - time_.steady());
        until = std::min(until.value_or(event), event);
    }
    if (until)
        wake_.wait_until(lock, *until, work);
    else
        wake_.wait(lock, work);
    return !stopping_;
}

bool QueueWorker::work_left() const
{
    const std::lock_guard lock(mutex_);
    return !backlog_.empty() || !tasks_.empty() || !writes_.empty();
}

// Takes over what has gathered: so much that a round stays short.
void QueueWorker::collect()
{
    const std::lock_guard lock(mutex_);
    while (!backlog_.empty() && instances_.size() < max_instances_a_round) {
        instances_.push_back(std::move(backlog_.front()));
        backlog_.pop_front();
    }
    in_round_ = instances_.size();
    for (std::size_t taken = 0; !tasks_.empty() && taken < max_tasks_a_round; ++taken) {
        auto& into = tasks_.front().kind == QueueTask::Kind::read ? reads_ : writes_;
        into.push_back(std::move(tasks_.front()));
        tasks_.pop_front();
    }
    std::ranges::move(new_waiters_, std::back_inserter(waiters_));
    new_waiters_.clear();
    room_.notify_all();
}

void QueueWorker::round()
{
    claims_->expire(time_.steady());
    const bool probes = retry_at_ && RealTime::now() >= *retry_at_;
    if (!instances_.empty() || !writes_.empty() || probes)
        write();
    read();
    if (!failing() && time_.steady() >= next_upkeep_)
        upkeep();
    wake_waiters();
}

void QueueWorker::answer_all(const Error& why)
{
    std::deque<QueueTask> tasks = std::exchange(writes_, {});
    std::ranges::move(std::exchange(reads_, {}), std::back_inserter(tasks));
    std::size_t unwritten = instances_.size();
    {
        const std::lock_guard lock(mutex_);
        std::ranges::move(std::exchange(tasks_, {}), std::back_inserter(tasks));
        unwritten += backlog_.size();
    }
    for (QueueTask& task : tasks)
        if (task.done)
            task.done(why);
    if (unwritten != 0)
        spdlog::warn("instances not indexed, found again at the next start count={}", unwritten);
}

} // namespace gantry::custody
