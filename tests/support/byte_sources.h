// Sources of bytes for tests: from memory in pieces of any size, and such that break.
#pragma once

#include "dimse/error.h"
#include "dimse/store_channel.h"
#include "mapping/vocabulary/byte_source.h"
#include "support/dicom_bytes.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace gantry::tests {

class MemorySource final : public ByteSource {
public:
    explicit MemorySource(ByteVector bytes, std::size_t piece = 65'536)
        : bytes_(std::move(bytes)), piece_(piece)
    {
    }

    /// Fails once `count` bytes have been given.
    void break_after(std::size_t count) { breaks_after_ = count; }

    Result<ConstBytes> next() override
    {
        if (breaks_after_ && given_ >= *breaks_after_)
            return dimse::error(dimse::Errc::unreadable, "the source broke");
        const ConstBytes rest = ConstBytes(bytes_).subspan(given_);
        const ConstBytes piece = rest.first(std::min(rest.size(), piece_));
        given_ += piece.size();
        return piece;
    }

private:
    ByteVector bytes_;
    std::size_t piece_;
    std::size_t given_ = 0;
    std::optional<std::size_t> breaks_after_;
};

/// A CT in Explicit VR Little Endian.
inline dimse::OutgoingInstance
outgoing(const std::string& sop_instance, std::unique_ptr<ByteSource> source)
{
    dimse::OutgoingInstance instance;
    instance.key.sop = {*Uid::parse(ct_image), *Uid::parse(sop_instance)};
    instance.key.transfer_syntax = *Uid::parse(explicit_le);
    instance.data_set = std::move(source);
    return instance;
}

inline dimse::OutgoingInstance outgoing(const std::string& sop_instance, std::size_t size = 1'000)
{
    return outgoing(sop_instance, std::make_unique<MemorySource>(ct_data_set(sop_instance, size)));
}

} // namespace gantry::tests
