// Cuts a JSON array of objects, as QIDO-RS and metadata answers are (PS3.18 F.2.1), into its
// objects while it arrives. Pure; holds at most one object. Looks at structure only: what is inside
// an object is its reader's business.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::mapping {

class JsonArraySplitter {
public:
    explicit JsonArraySplitter(Bytes max_object = {4U << 20U}) : max_object_(max_object) {}

    /// The next bytes. They must stay until next() has said that it needs more, and may be cut
    /// anywhere.
    void feed(std::string_view chunk);

    /// The text of the next object, valid until the next call; nothing: feed more, or finish().
    /// Errc::malformed (neither array nor object, something after the end), Errc::too_large. After
    /// an error every call gives it again.
    Result<std::optional<std::string_view>> next();

    /// At the end of the body. Errc::truncated where the array or an object is not whole, or
    /// nothing came at all. One object without an array is taken as an array of one.
    Result<void> finish() const;

    /// Objects so far.
    std::uint64_t count() const noexcept { return count_; }

private:
    enum class State : std::uint8_t { start, first, element, object, comma, end };

    Result<void> between(char c);
    bool ends_object();
    Error fail(Errc code, const char* what);

    Bytes max_object_;
    std::string_view chunk_;
    std::size_t at_ = 0;    // in chunk_
    std::size_t begin_ = 0; // of the object, in chunk_
    std::string kept_;      // of an object that began in an earlier chunk
    State state_ = State::start;
    bool alone_ = false; // an object without an array
    unsigned depth_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
    std::size_t mark_ = 0; // bytes of a byte order mark
    std::uint64_t count_ = 0;
    std::optional<Error> failed_;
};

} // namespace gantry::mapping
