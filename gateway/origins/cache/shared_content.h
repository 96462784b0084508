// An instance that could not be kept, for one of those who wait for it. Each reads it at its own
// pace, on the disk pool; it lives until the last of them is done.
#pragma once

#include "gateway/loop/worker_pool.h"
#include "gateway/origin.h"

#include <memory>

namespace gantry::cache {

class SharedContent final : public InstanceContent {
public:
    /// `disk` outlives it. Where `content` has no source(), only one may read it.
    SharedContent(std::shared_ptr<InstanceContent> content, WorkerPool& disk);

    const InstanceKey& key() const override { return content_->key(); }

    AeTitle source_ae() const override { return content_->source_ae(); }

    Bytes length() const override { return content_->length(); }

    asio::awaitable<Result<ConstBytes>> read() override;
    void rewind() override;
    std::unique_ptr<ByteSource> source() const override;

    std::shared_ptr<const RandomAccess> random_access() const override
    {
        return content_->random_access();
    }

private:
    std::shared_ptr<InstanceContent> content_;
    WorkerPool& disk_;
    std::shared_ptr<ByteSource> source_; // read on the pool, which may outlast us
};

} // namespace gantry::cache
