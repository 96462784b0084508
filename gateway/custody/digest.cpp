#include "gateway/custody/digest.h"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace gantry::custody {

struct DigestStream::State {
    XXH3_state_t xxh; // 64-byte aligned by its own declaration
};

DigestStream::DigestStream() : state_(std::make_unique<State>())
{
    restart();
}

DigestStream::~DigestStream() = default;

void DigestStream::update(ConstBytes bytes)
{
    XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
}

Digest DigestStream::digest() const
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->xxh));
    Digest result;
    static_assert(sizeof(canonical.digest) == sizeof(result));
    std::memcpy(result.data(), canonical.digest, result.size());
    return result;
}

void DigestStream::restart()
{
    XXH3_128bits_reset(&state_->xxh);
}

std::uint64_t checksum(ConstBytes bytes)
{
    return XXH3_64bits(bytes.data(), bytes.size());
}

} // namespace gantry::custody
