#include "mapping/inflater.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace gantry::mapping {

namespace {

/// A NUL after a stream of odd length belongs there (PS3.5 A.5). Some writers leave the trailer of
/// a gzip member (RFC 1952) as well: a checksum and a size that no reader looks at.
constexpr std::size_t max_trailer = 8;

} // namespace

struct Inflater::Stream {
    z_stream z{};
    bool ended = false;
    std::size_t trailer_left = max_trailer;
    std::array<std::byte, std::size_t{64} << 10U> window;

    Stream()
    {
        if (inflateInit2(&z, -MAX_WBITS) != Z_OK) // negative: raw, without a zlib header
            throw std::bad_alloc();
    }

    ~Stream() { inflateEnd(&z); }

    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    Result<void> step(const Out& out)
    {
        z.next_out = reinterpret_cast<Bytef*>(window.data());
        z.avail_out = static_cast<uInt>(window.size());
        const int code = inflate(&z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return error(Errc::malformed, "deflate stream");
        ended = code == Z_STREAM_END;
        const std::size_t size = window.size() - z.avail_out;
        return size == 0 ? Result<void>() : out(ConstBytes(window).first(size));
    }

    Result<void> trail(ConstBytes chunk)
    {
        const std::size_t skipped = std::min(chunk.size(), trailer_left);
        trailer_left -= skipped;
        if (std::ranges::any_of(chunk.subspan(skipped), [](auto b) { return b != std::byte{0}; }))
            return error(Errc::malformed, "bytes after the deflate stream");
        return {};
    }
};

Inflater::Inflater() : stream_(std::make_unique<Stream>()) {}

Inflater::~Inflater() = default;
Inflater::Inflater(Inflater&&) noexcept = default;
Inflater& Inflater::operator=(Inflater&&) noexcept = default;

Result<void> Inflater::feed(ConstBytes chunk, const Out& out)
{
    z_stream& z = stream_->z;
    constexpr std::size_t most = std::numeric_limits<uInt>::max();
    while (!chunk.empty() && !stream_->ended) {
        const ConstBytes now = chunk.first(std::min(chunk.size(), most));
        // zlib does not write to its input; its interface is older than const
        z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(now.data()));
        z.avail_in = static_cast<uInt>(now.size());
        do {
            if (const auto stepped = stream_->step(out); !stepped)
                return stepped.error();
        } while (!stream_->ended && (z.avail_in != 0 || z.avail_out == 0));
        chunk = chunk.subspan(now.size() - z.avail_in);
    }
    return stream_->trail(chunk);
}

Result<void> Inflater::finish() const
{
    if (!stream_->ended)
        return error(Errc::truncated, "deflate stream");
    return {};
}

} // namespace gantry::mapping
