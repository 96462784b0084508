// Inflates the body of a deflated data set (PS3.5 A.5: raw deflate, RFC 1951) piece by piece.
// However much a small input swells, memory holds one window of it. Any thread, one at a time.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/bytes.h"

#include <functional>
#include <memory>

namespace gantry::mapping {

class Inflater {
public:
    using Out = std::function<Result<void>(ConstBytes)>;

    Inflater();
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    Inflater(Inflater&&) noexcept;
    Inflater& operator=(Inflater&&) noexcept;

    /// Hands what inflates to `out`, in pieces of at most 64 KiB. Errc::malformed: no deflate
    /// stream, or more than padding after its end; else what `out` failed with.
    Result<void> feed(ConstBytes chunk, const Out& out);

    /// Errc::truncated where the stream has not come to its end.
    Result<void> finish() const;

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

} // namespace gantry::mapping
