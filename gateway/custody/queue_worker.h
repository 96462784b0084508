// The thread that owns queue and ledger: takes what has gathered as one transaction, answers, and
// wakes who waits for work. Instances that came in need no flush of their own (the spool has them);
// what becomes of deliveries is flushed before it is answered. While the database cannot be
// written, instances and records are kept and tried again; nothing is handed out meanwhile.
#pragma once

#include "gateway/custody/claims.h"
#include "gateway/custody/database.h"
#include "gateway/custody/ledger.h"
#include "gateway/custody/listing.h"
#include "gateway/custody/queue.h"
#include "gateway/custody/queue_time.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace gantry::custody {

struct QueueSteps {
    Database& database;
    Ledger& ledger;
    Claims& claims;
    Listing& listing;
    const QueueTime& time;
};

/// Something to do on the worker's thread.
struct QueueTask {
    enum class Kind : std::uint8_t {
        read,
        write,     // fails at once where the database cannot be written
        kept_write // is tried until it can; `done` hears of an error after half a minute
    };

    Kind kind = Kind::read;
    std::function<bool(QueueSteps&)> run;       // true: there is more to do, in another transaction
    std::function<void(QueueSteps&)> committed; // may be empty
    std::function<void(Result<void>)> done;     // once; empty when it has been called
    std::chrono::steady_clock::time_point deadline{};
};

/// Waits for claim() to be worth a try.
struct QueueWaiter {
    std::string destination;
    std::function<void()> done;
    std::function<bool()> abandoned;
};

class QueueWorker {
public:
    /// Opens what `database` has; it is reconciled with the spool before start().
    QueueWorker(
        QueueOptions options, std::unique_ptr<Database> database, Spool& spool, const Clock& clock
    );
    ~QueueWorker();
    QueueWorker(const QueueWorker&) = delete;
    QueueWorker& operator=(const QueueWorker&) = delete;

    /// Brings queue and spool together. Before start(), on the opening thread.
    Result<void> prepare();
    void start();
    /// Writes what it has, answers everybody, ends the thread, closes the database.
    void stop();

    Result<void> admit() const;
    void enqueue(StoredInstance instance);
    void post(QueueTask task);
    void wait(QueueWaiter waiter);

    // On the worker's thread.

    /// Nothing is claimed while it is held, no longer configured, or not known.
    std::optional<std::int64_t> claimable(const std::string& destination) const;
    void reload_destinations();
    bool failing() const;

private:
    struct Destination {
        std::int64_t id = 0;
        bool claimable = false;
    };

    void set_up_times(std::int64_t destination);
    bool upkeep_done();
    LiveState live_state();
    void run();
    bool wait_for_work();
    bool work_left() const;
    void collect();
    void round();
    void write();
    void write_instances();
    void committed(bool with_records);
    void failed(const Error& why);
    void keep_or_answer();
    void read();
    void upkeep();
    void wake_waiters();
    void note_damage();
    void answer_all(const Error& why);
    void set_flushing(bool full);

    const QueueOptions options_;
    Spool& spool_;
    std::unique_ptr<Database> database_;
    QueueTime time_;
    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<Claims> claims_;
    std::unique_ptr<Listing> listing_;
    std::map<std::string, Destination> destinations_;
    std::atomic<std::uint64_t> undelivered_ = 0;

    mutable std::mutex mutex_; // of what is below, up to the thread's own
    std::condition_variable wake_;
    std::condition_variable room_;
    std::deque<StoredInstance> backlog_;
    std::deque<QueueTask> tasks_;
    std::vector<QueueWaiter> new_waiters_;
    std::optional<Error> failing_;
    std::size_t in_round_ = 0; // instances that the thread has taken
    bool stopping_ = false;

    // The thread's own.
    std::vector<StoredInstance> instances_;
    std::deque<QueueTask> writes_;
    std::deque<QueueTask> reads_;
    std::vector<QueueWaiter> waiters_;
    std::optional<std::chrono::steady_clock::time_point> retry_at_;
    std::chrono::milliseconds retry_pause_{0};
    SteadyTime next_upkeep_{};
    SteadyTime next_ceiling_{};
    ReceiptId newest_ = 0;        // that the index has
    ReceiptId newest_before_ = 0; // an hour ago or more
    ReceiptId prune_ceiling_ = 0;
    std::optional<SteadyTime> next_event_;
    bool flushing_full_ = true;
    bool damage_noted_ = false;
    std::thread thread_;
};

} // namespace gantry::custody
