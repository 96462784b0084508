// The queue's awaitable face: every question becomes a task of the worker's thread, and its answer
// comes back to the loop.
#include "gateway/custody/queue.h"

#include "gateway/custody/queue_answer.h"
#include "gateway/custody/queue_open.h"
#include "gateway/custody/queue_worker.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <utility>

namespace gantry::custody {

namespace {

// Rows that one of an operator's verbs changes in one transaction.
constexpr std::size_t verb_step = 1'000;

struct Verb {
    QueueFilter filter;
    bool (Ledger::*apply)(std::int64_t, std::int64_t) = nullptr;
    std::uint64_t changed = 0;
};

class Queue final : public DeliveryQueue {
public:
    explicit Queue(std::unique_ptr<QueueWorker> worker) : worker_(std::move(worker)) {}

    ~Queue() override { worker_->stop(); }

    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    Result<void> admit() const override { return worker_->admit(); }

    void enqueue(StoredInstance instance) override { worker_->enqueue(std::move(instance)); }

    asio::awaitable<Result<std::vector<Delivery>>> claim(
        std::string destination,
        std::size_t max_instances,
        Bytes max_bytes,
        std::chrono::seconds lease
    ) override;
    asio::awaitable<Result<void>> record(std::vector<DeliveryRecord> records) override;
    asio::awaitable<Result<void>>
    renew(std::vector<std::int64_t> ids, std::chrono::seconds lease) override;
    asio::awaitable<void> ready(std::string destination) override;
    asio::awaitable<Result<std::vector<QueueRow>>> list(QueueFilter filter) override;
    asio::awaitable<Result<std::vector<DestinationSummary>>> summary() override;
    asio::awaitable<Result<std::vector<StudySummary>>>
    studies(std::optional<Uid> study, std::size_t limit) override;
    asio::awaitable<Result<std::uint64_t>> retry(QueueFilter filter) override;
    asio::awaitable<Result<std::uint64_t>> drop(QueueFilter filter) override;

    asio::awaitable<Result<void>> hold(std::string destination) override
    {
        return set_held(std::move(destination), true);
    }

    asio::awaitable<Result<void>> release(std::string destination) override
    {
        return set_held(std::move(destination), false);
    }

    void close() override { worker_->stop(); }

private:
    template <class T>
    asio::awaitable<Result<T>> read(std::function<Result<T>(QueueSteps&)> work);
    asio::awaitable<Result<void>> set_held(std::string destination, bool held);
    asio::awaitable<Result<std::uint64_t>> apply(Verb verb);

    std::unique_ptr<QueueWorker> worker_;
};

template <class T>
asio::awaitable<Result<T>> Queue::read(std::function<Result<T>(QueueSteps&)> work)
{
    return answered<Result<T>>([this, work = std::move(work)](Answer<T> answer) {
        auto value = std::make_shared<Result<T>>(error(Errc::closed));
        QueueTask task;
        task.run = [work, value](QueueSteps& steps) {
            *value = work(steps);
            return false;
        };
        task.done = [value, answer = std::move(answer)](const Result<void>& done) {
            answer(done ? std::move(*value) : Result<T>(done.error()));
        };
        worker_->post(std::move(task));
    });
}

asio::awaitable<Result<std::vector<Delivery>>> Queue::claim(
    std::string destination, std::size_t max_instances, Bytes max_bytes, std::chrono::seconds lease
)
{
    ClaimRequest request{
        .destination = 0,
        .name = std::move(destination),
        .max_instances = max_instances,
        .max_bytes = max_bytes,
        .lease = lease
    };
    return read<std::vector<Delivery>>(
        [this,
         request = std::move(request)](QueueSteps& steps) mutable -> Result<std::vector<Delivery>> {
            if (worker_->failing())
                return worker_->admit().error();
            const auto id = worker_->claimable(request.name);
            if (!id)
                return std::vector<Delivery>();
            request.destination = *id;
            const Moment now = steps.time.now();
            return steps.claims.claim(request, now.queue_ms, steps.time.steady());
        }
    );
}

asio::awaitable<Result<void>> Queue::record(std::vector<DeliveryRecord> records)
{
    return answered<Result<void>>([this, records = std::move(records)](Answer<void> answer) {
        QueueTask task;
        task.kind = QueueTask::Kind::kept_write;
        task.run = [records](QueueSteps& steps) {
            for (const DeliveryRecord& record : records)
                steps.ledger.record(record, steps.time.now());
            return false;
        };
        task.committed = [records](QueueSteps& steps) {
            for (const DeliveryRecord& record : records)
                steps.claims.end(record.id);
        };
        task.done = std::move(answer);
        worker_->post(std::move(task));
    });
}

asio::awaitable<Result<void>>
Queue::renew(std::vector<std::int64_t> ids, std::chrono::seconds lease)
{
    return answered<Result<void>>([this, ids = std::move(ids), lease](Answer<void> answer) {
        QueueTask task;
        task.run = [ids, lease](QueueSteps& steps) {
            for (const std::int64_t id : ids)
                steps.claims.renew(id, steps.time.steady() + lease);
            return false;
        };
        task.done = std::move(answer);
        worker_->post(std::move(task));
    });
}

asio::awaitable<void> Queue::ready(std::string destination)
{
    auto initiate = [this](auto handler, const std::string& name) {
        struct Waiting {
            explicit Waiting(decltype(handler) h) : handler(std::move(h)) {}

            void fire(boost::system::error_code code)
            {
                if (fired.exchange(true))
                    return;
                auto executor = asio::get_associated_executor(handler);
                asio::post(executor, [handler = std::move(handler), code]() mutable {
                    std::move(handler)(code);
                });
            }

            decltype(handler) handler;
            std::atomic<bool> fired = false;
        };

        auto slot = asio::get_associated_cancellation_slot(handler);
        auto guard = asio::make_work_guard(asio::get_associated_executor(handler));
        auto waiting = std::make_shared<Waiting>(std::move(handler));
        if (slot.is_connected())
            slot.assign([waiting](asio::cancellation_type) {
                waiting->fire(asio::error::operation_aborted);
            });
        worker_->wait(
            {.destination = name,
             .done = [waiting, guard] { waiting->fire({}); },
             .abandoned = [waiting] { return waiting->fired.load(); }}
        );
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(boost::system::error_code)>(
        std::move(initiate), asio::use_awaitable, std::move(destination)
    );
}

asio::awaitable<Result<std::vector<QueueRow>>> Queue::list(QueueFilter filter)
{
    return read<std::vector<QueueRow>>([filter = std::move(filter)](QueueSteps& steps) {
        return steps.listing.list(filter);
    });
}

asio::awaitable<Result<std::vector<DestinationSummary>>> Queue::summary()
{
    return read<std::vector<DestinationSummary>>([](QueueSteps& steps) {
        return steps.listing.summary();
    });
}

asio::awaitable<Result<std::vector<StudySummary>>>
Queue::studies(std::optional<Uid> study, std::size_t limit)
{
    return read<std::vector<StudySummary>>([study = std::move(study), limit](QueueSteps& steps) {
        return steps.listing.studies(study, limit);
    });
}

asio::awaitable<Result<std::uint64_t>> Queue::retry(QueueFilter filter)
{
    return apply({.filter = std::move(filter), .apply = &Ledger::retry});
}

asio::awaitable<Result<std::uint64_t>> Queue::drop(QueueFilter filter)
{
    return apply({.filter = std::move(filter), .apply = &Ledger::drop});
}

asio::awaitable<Result<std::uint64_t>> Queue::apply(Verb verb)
{
    verb.filter.limit = verb_step;
    return answered<Result<std::uint64_t>>([this,
                                            verb = std::move(verb)](Answer<std::uint64_t> answer) {
        auto state = std::make_shared<Verb>(verb);
        QueueTask task;
        task.kind = QueueTask::Kind::write;
        task.run = [state](QueueSteps& steps) {
            const std::int64_t now = steps.time.now().queue_ms;
            std::int64_t last = 0;
            for (const std::int64_t id : steps.listing.matching(state->filter, last))
                if (!steps.claims.leased(id) && (steps.ledger.*state->apply)(id, now))
                    ++state->changed;
            state->filter.after = last;
            return last != 0;
        };
        task.done = [state, answer = std::move(answer)](const Result<void>& done) {
            answer(done ? Result<std::uint64_t>(state->changed) : done.error());
        };
        worker_->post(std::move(task));
    });
}

asio::awaitable<Result<void>> Queue::set_held(std::string destination, bool held)
{
    return answered<Result<void>>(
        [this, destination = std::move(destination), held](Answer<void> answer) {
            auto known = std::make_shared<bool>(true);
            QueueTask task;
            task.kind = QueueTask::Kind::write;
            task.run = [destination, held, known](QueueSteps& steps) {
                *known = steps.ledger.hold(destination, held);
                return false;
            };
            task.committed = [this](QueueSteps&) { worker_->reload_destinations(); };
            task.done = [known, destination, answer = std::move(answer)](const Result<void>& done) {
                answer(done && !*known ? error(Errc::not_found, destination) : done);
            };
            worker_->post(std::move(task));
        }
    );
}

} // namespace

// NOLINTBEGIN(performance-unnecessary-value-param): the contract may keep what it is given
Result<std::unique_ptr<DeliveryQueue>>
DeliveryQueue::open(QueueOptions options, Spool& spool, const Clock& clock, asio::any_io_executor)
// NOLINTEND(performance-unnecessary-value-param)
{
    auto worker = open_worker(options, spool, clock);
    if (!worker)
        return worker.error();
    (*worker)->start();
    return std::make_unique<Queue>(std::move(*worker));
}

} // namespace gantry::custody
