#include "gateway/faces/web_intake.h"

#include "gateway/error.h"
#include "gateway/origins/archive/archive.h"
#include "mapping/status.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <atomic>

namespace gantry::faces {

namespace {

class ArchiveWriterOf final : public IntakeWriter {
public:
    ArchiveWriterOf(std::unique_ptr<archive::ArchiveWriter> writer, AeTitle source)
        : writer_(std::move(writer)), source_(std::move(source))
    {
    }

    Result<void> write(ConstBytes bytes) override { return writer_->write(bytes); }

    Result<void> seal(InstanceKey key) override { return writer_->seal(std::move(key), source_); }

    std::unique_ptr<archive::ArchiveWriter> take() { return std::move(writer_); }

private:
    std::unique_ptr<archive::ArchiveWriter> writer_;
    AeTitle source_;
};

class ArchiveIntake final : public Intake {
public:
    ArchiveIntake(LocalOrigin& origin, WorkerPool& disk) : origin_(origin), disk_(disk) {}

    Result<void> admit() const override { return origin_.archive().admit(); }

    Result<std::unique_ptr<IntakeWriter>>
    begin(const mapping::FileHead& head, const std::string&) override
    {
        auto begun = origin_.archive().begin(head);
        if (!begun)
            return begun.error();
        return std::make_unique<ArchiveWriterOf>(std::move(*begun), head.source);
    }

    const Origin* readable_from() const override { return &origin_; }

    asio::awaitable<std::vector<Committed>>
    commit(std::vector<std::unique_ptr<IntakeWriter>> writers) override
    {
        auto work = [this, writers = std::move(writers)](std::stop_token) {
            std::vector<std::unique_ptr<archive::ArchiveWriter>> own;
            for (const auto& writer : writers) // begin() makes no others
                own.push_back(static_cast<ArchiveWriterOf&>(*writer).take());
            std::vector<Committed> committed;
            for (StoreOutcome& outcome : origin_.archive().commit(std::move(own)))
                committed.push_back({std::move(outcome)});
            return committed;
        };
        co_return co_await offload(disk_, std::move(work));
    }

    asio::awaitable<std::vector<StoreOutcome>> delivered(std::vector<custody::ReceiptId>) override
    {
        co_return std::vector<StoreOutcome>{}; // what is committed is where it should be
    }

private:
    LocalOrigin& origin_;
    WorkerPool& disk_;
};

class SpoolWriterOf final : public IntakeWriter {
public:
    SpoolWriterOf(std::unique_ptr<custody::SpoolWriter> writer, std::string peer_address)
        : writer_(std::move(writer))
    {
        envelope_.face = "web";
        envelope_.peer_address = std::move(peer_address);
    }

    Result<void> write(ConstBytes bytes) override { return writer_->write(bytes); }

    Result<void> seal(InstanceKey key) override
    {
        envelope_.key = std::move(key);
        return {};
    }

    Result<custody::StoredInstance> commit(const std::vector<std::string>& destinations)
    {
        envelope_.destinations = destinations;
        return writer_->commit(envelope_);
    }

private:
    std::unique_ptr<custody::SpoolWriter> writer_;
    custody::Envelope envelope_;
};

/// Instances of one commit, taken one by one by several workers, so that flushes overlap.
struct SpoolBatch {
    std::vector<std::unique_ptr<IntakeWriter>> writers;
    std::vector<Committed> outcomes;
    std::atomic<std::size_t> next{0};
};

class CustodyIntake final : public Intake {
public:
    CustodyIntake(
        custody::Spool& spool,
        custody::DeliveryQueue& queue,
        WorkerPool& disk,
        std::vector<std::string> destinations,
        AwaitDelivery wait
    )
        : spool_(spool),
          queue_(queue),
          disk_(disk),
          destinations_(std::move(destinations)),
          wait_(wait)
    {
    }

    Result<void> admit() const override
    {
        if (!spool_.accepting())
            return error(Errc::spool_full, "spool");
        return queue_.admit();
    }

    Result<std::unique_ptr<IntakeWriter>>
    begin(const mapping::FileHead&, const std::string& peer_address) override
    {
        if (const auto admitted = queue_.admit(); !admitted)
            return admitted.error();
        auto reserved = spool_.reserve({});
        if (!reserved)
            return reserved.error();
        return std::make_unique<SpoolWriterOf>(std::move(*reserved), peer_address);
    }

    const Origin* readable_from() const override { return nullptr; }

    asio::awaitable<std::vector<StoreOutcome>> delivered(std::vector<custody::ReceiptId> receipts
    ) override
    {
        return wait_.watch->settled(
            std::move(receipts), std::chrono::steady_clock::now() + wait_.longest
        );
    }

    asio::awaitable<std::vector<Committed>>
    commit(std::vector<std::unique_ptr<IntakeWriter>> writers) override
    {
        using namespace asio::experimental::awaitable_operators;
        const auto batch = std::make_shared<SpoolBatch>();
        batch->outcomes.resize(writers.size());
        batch->writers = std::move(writers);
        auto all = lane(batch) && lane(batch) && lane(batch) && lane(batch);
        co_await std::move(all);
        co_return std::move(batch->outcomes);
    }

private:
    asio::awaitable<void> lane(std::shared_ptr<SpoolBatch> batch)
    {
        auto work = [this, batch](std::stop_token) {
            for (;;) {
                const std::size_t i = batch->next++;
                if (i >= batch->writers.size())
                    return;
                batch->outcomes[i] = commit_one(static_cast<SpoolWriterOf&>(*batch->writers[i]));
                batch->writers[i].reset();
            }
        };
        co_await offload(disk_, std::move(work));
    }

    Committed commit_one(SpoolWriterOf& writer)
    {
        auto stored = writer.commit(destinations_);
        if (!stored) {
            const auto code = mapping::store_status(mapping::StoreFailure::storage_failed).code;
            return {{StoreOutcome::Kind::transient, code, stored.error().text(), std::nullopt}};
        }
        Committed committed{{StoreOutcome::Kind::stored, 0, "in custody", std::nullopt}};
        if (wait_.watch != nullptr) { // before anybody can deliver it
            committed.receipt = stored->envelope.id;
            wait_.watch->expect(committed.receipt, destinations_.size());
        }
        queue_.enqueue(std::move(*stored));
        return committed;
    }

    custody::Spool& spool_;
    custody::DeliveryQueue& queue_;
    WorkerPool& disk_;
    std::vector<std::string> destinations_;
    AwaitDelivery wait_;
};

} // namespace

std::unique_ptr<Intake> archive_intake(LocalOrigin& origin, WorkerPool& disk)
{
    return std::make_unique<ArchiveIntake>(origin, disk);
}

std::unique_ptr<Intake> custody_intake(
    custody::Spool& spool,
    custody::DeliveryQueue& queue,
    WorkerPool& disk,
    std::vector<std::string> destinations,
    AwaitDelivery wait
)
{
    return std::make_unique<CustodyIntake>(spool, queue, disk, std::move(destinations), wait);
}

} // namespace gantry::faces
