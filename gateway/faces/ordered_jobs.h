// Jobs that run on a pool, several at once, and whose results are taken in the order in which they
// were started. Loop.
#pragma once

#include "gateway/loop/change.h"
#include "gateway/loop/worker_pool.h"

#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

namespace gantry::faces {

template <class T>
class OrderedJobs {
public:
    using Job = std::function<T(const std::stop_token&)>;

    /// The pool outlives it.
    OrderedJobs(asio::any_io_executor loop, WorkerPool& pool)
        : changed_(std::make_shared<Change>(std::move(loop))), pool_(pool)
    {
    }

    /// Jobs that still run are asked to end and not waited for.
    ~OrderedJobs() { stop_.request_stop(); }

    OrderedJobs(const OrderedJobs&) = delete;
    OrderedJobs& operator=(const OrderedJobs&) = delete;

    /// The job owns what it uses: it may outlive this.
    void start(Job job)
    {
        auto slot = std::make_shared<Slot>();
        slots_.push_back(slot);
        auto guard = asio::make_work_guard(changed_->executor());
        auto run = [job = std::move(job),
                    slot,
                    guard,
                    changed = changed_,
                    stop = stop_.get_token()](const std::stop_token& pool_stop) mutable {
            try {
                if (stop.stop_requested() || pool_stop.stop_requested())
                    throw boost::system::system_error(asio::error::operation_aborted);
                slot->value.emplace(job(stop));
            } catch (...) {
                slot->fault = std::current_exception();
            }
            job = nullptr; // what it refers to goes before anybody is told
            auto executor = guard.get_executor();
            auto tell =
                [slot = std::move(slot), guard = std::move(guard), changed = std::move(changed)] {
                    slot->done = true;
                    changed->notify();
                };
            asio::post(executor, std::move(tell));
        };
        if (!pool_.submit(std::move(run)))
            throw boost::system::system_error(asio::error::operation_aborted);
    }

    /// Started and not taken.
    std::size_t outstanding() const noexcept { return slots_.size(); }

    /// The result of the oldest job that has not been taken; outstanding() is not 0. What it threw
    /// is thrown here.
    asio::awaitable<T> next()
    {
        const std::shared_ptr<Slot> slot = slots_.front();
        while (!slot->done) {
            co_await changed_->wait();
            const auto cancelled = co_await asio::this_coro::cancellation_state;
            if (cancelled.cancelled() != asio::cancellation_type::none)
                throw boost::system::system_error(asio::error::operation_aborted);
        }
        slots_.pop_front();
        if (slot->fault)
            std::rethrow_exception(slot->fault);
        co_return std::move(*slot->value);
    }

private:
    struct Slot {
        std::optional<T> value;
        std::exception_ptr fault;
        bool done = false; // set on the loop
    };

    std::shared_ptr<Change> changed_;
    WorkerPool& pool_;
    std::stop_source stop_;
    std::deque<std::shared_ptr<Slot>> slots_;
};

} // namespace gantry::faces
