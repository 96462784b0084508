// Matches of one find on their way to who asked: each once, within offset and limit. Runs on the
// loop; keeps a digest of the UIDs of each, nothing else.
#pragma once

#include "gateway/origin.h"
#include "mapping/qido_request.h"

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_set>

namespace gantry {

class QidoMatches {
public:
    /// `sink` outlives it. `skip`: fresh matches that are not given.
    QidoMatches(FindSink& sink, std::uint64_t skip, std::optional<std::uint64_t> limit);

    enum class Took : std::uint8_t {
        fresh,    // not seen before in this request
        repeated, // by this request
        enough,   // fresh, and the last within the limit
        nameless, // without the unique key of its level
        stopped   // the asker does not want more: see error()
    };

    /// Of the next request: what others of this find gave is not given again.
    void begin_request();

    /// Keys that the path of the request says are filled in.
    asio::awaitable<Took> take(std::unique_ptr<DcmDataset> match, const mapping::QidoRequest& from);

    std::uint64_t given() const noexcept { return given_; }

    std::uint64_t seen() const noexcept { return seen_.size(); }

    bool enough() const noexcept { return limit_ && given_ >= *limit_; }

    const Error& error() const noexcept { return error_; }

private:
    using Digest = std::array<std::uint64_t, 2>;

    struct First {
        std::size_t operator()(const Digest& digest) const noexcept { return digest[0]; }
    };

    FindSink& sink_;
    std::uint64_t skip_;
    std::optional<std::uint64_t> limit_;
    std::uint64_t given_ = 0;
    std::unordered_set<Digest, First> seen_; // by all requests
    std::unordered_set<Digest, First> here_; // by this one, where it is not the first
    bool first_request_ = true;
    bool begun_ = false;
    Error error_;
};

} // namespace gantry
