// DCMTK's stream over bytes that can be read at any place. Internal to mapping/. One thread.
#pragma once

#include "mapping/vocabulary/random_access.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrma.h>

#include <cstdint>
#include <memory>

namespace gantry::mapping {

class AccessStream final : public DcmInputStream {
public:
    /// From `offset` on. Ends when `most` bytes have been read, skipped ones not counted.
    AccessStream(
        std::shared_ptr<const RandomAccess> bytes, std::uint64_t offset, std::uint64_t most
    );
    ~AccessStream() override;

    /// Values that stay where they are are read through it.
    DcmInputStreamFactory* newFactory() const override;

    /// `most` is used up.
    bool exhausted() const;

private:
    class Producer;
    AccessStream(std::unique_ptr<Producer> producer, std::uint64_t offset);

    std::unique_ptr<Producer> producer_;
    std::uint64_t offset_;
};

} // namespace gantry::mapping
