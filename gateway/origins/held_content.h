// An instance that is held in memory. Its sources may be read on any thread, several at once; the
// bytes live until the last of them is gone. Never touches the disk.
#pragma once

#include "gateway/origin.h"

#include <memory>

namespace gantry {

class HeldContent final : public InstanceContent {
public:
    /// A data set and what keeps it alive; that may die on any thread.
    struct Held {
        std::shared_ptr<const void> owner;
        ConstBytes data_set;
    };

    HeldContent(InstanceKey key, AeTitle source, Held held);

    const InstanceKey& key() const override { return key_; }

    AeTitle source_ae() const override { return source_; }

    const Held& held() const noexcept { return held_; }

    Bytes length() const override { return {held_.data_set.size()}; }

    asio::awaitable<Result<ConstBytes>> read() override;

    void rewind() override { given_ = false; }

    std::unique_ptr<ByteSource> source() const override;

    std::shared_ptr<const RandomAccess> random_access() const override;

private:
    InstanceKey key_;
    AeTitle source_;
    Held held_;
    bool given_ = false;
};

} // namespace gantry
