// A spool and a queue in a scratch folder, with a loop that runs a question to its answer.
#pragma once

#include "gateway/custody/queue.h"
#include "gateway/error.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/gateway/custody_support.h"

namespace gantry::tests {

class QueueFixture {
public:
    QueueFixture() { queue_options.destinations = {"cloud", "here"}; }

    /// As a start of the service does.
    void open()
    {
        spool = custody::Spool::open(spool_options, clock).value();
        queue = try_open().value();
    }

    Result<std::unique_ptr<custody::DeliveryQueue>> try_open()
    {
        return custody::DeliveryQueue::open(queue_options, *spool, clock, loop.get_executor());
    }

    void close()
    {
        queue.reset();
        spool.reset();
    }

    void reopen()
    {
        close();
        open();
    }

    /// Runs the loop until `question` is answered; others may still be open.
    template <class T>
    T ask(asio::awaitable<T> question)
    {
        std::optional<T> answer;
        auto keep = [&answer](std::exception_ptr fault, T value) {
            if (fault)
                std::rethrow_exception(fault);
            answer.emplace(std::move(value));
        };
        asio::co_spawn(loop, std::move(question), keep);
        loop.restart();
        while (!answer)
            loop.run_one();
        return std::move(answer.value());
    }

    void wait(asio::awaitable<void> something)
    {
        auto rethrow = [](std::exception_ptr fault) {
            if (fault)
                std::rethrow_exception(fault);
        };
        asio::co_spawn(loop, std::move(something), rethrow);
        loop.restart();
        loop.run();
    }

    /// In the spool and, when it returns, in the index.
    custody::StoredInstance take_in(custody::Envelope envelope, const Content& content)
    {
        auto stored = store(*spool, std::move(envelope), content);
        queue->enqueue(stored);
        (void)rows(); // questions are answered after what came before
        return stored;
    }

    custody::StoredInstance
    take_in(unsigned study, unsigned instance, std::vector<std::string> destinations = {"cloud"})
    {
        return take_in(
            envelope_of(study, instance, std::move(destinations)),
            content_of(study * 1'000 + instance)
        );
    }

    std::vector<custody::Delivery> claim(
        std::string destination = "cloud",
        std::size_t instances = 100,
        Bytes bytes = Bytes{1ULL << 40U}
    )
    {
        auto question = queue->claim(std::move(destination), instances, bytes, lease);
        return ask(std::move(question)).value();
    }

    custody::DeliveryRecord
    record_of(const custody::Delivery& delivery, custody::DeliveryState state) const
    {
        return {
            .id = delivery.id,
            .state = state,
            .answer = state == custody::DeliveryState::delivered ? "200" : "went wrong",
            .next_attempt = clock.wall() + std::chrono::minutes(5)
        };
    }

    void record(custody::DeliveryRecord record)
    {
        std::vector<custody::DeliveryRecord> records{std::move(record)};
        ask(queue->record(std::move(records))).value();
    }

    void record(const custody::Delivery& delivery, custody::DeliveryState state)
    {
        record(record_of(delivery, state));
    }

    std::vector<custody::QueueRow> rows(custody::QueueFilter filter = {.all = true})
    {
        return ask(queue->list(std::move(filter))).value();
    }

    custody::DestinationSummary summary(const std::string& destination = "cloud")
    {
        for (auto& sum : ask(queue->summary()).value())
            if (sum.destination == destination)
                return sum;
        return {};
    }

    /// Housekeeping comes between questions: asks until it shows, a bounded number of times.
    template <class Condition>
    bool eventually(Condition condition)
    {
        for (int i = 0; i < 10'000; ++i) {
            if (condition())
                return true;
            (void)ask(queue->summary());
        }
        return false;
    }

    ScratchFolder scratch;
    ManualClock clock;
    custody::SpoolOptions spool_options = tests::spool_options(scratch.path() / "spool");
    custody::QueueOptions queue_options{.database = scratch.path() / "queue.db"};
    std::chrono::seconds lease{600};
    asio::io_context loop;
    std::unique_ptr<custody::Spool> spool;
    std::unique_ptr<custody::DeliveryQueue> queue;
};

} // namespace gantry::tests
