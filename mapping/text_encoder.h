// UTF-8 into a Specific Character Set (0008,0005), code extensions included (PS3.5 6.1.2.5, PS3.3
// C.12.1.1.2). One thread at a time.
#pragma once

#include "mapping/value_representation.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::mapping {

class TextEncoder {
public:
    /// `character_set`: the value of (0008,0005), with its backslashes; empty: ASCII.
    explicit TextEncoder(std::string_view character_set);
    ~TextEncoder();
    TextEncoder(TextEncoder&&) noexcept;
    TextEncoder& operator=(TextEncoder&&) noexcept;
    TextEncoder(const TextEncoder&) = delete;
    TextEncoder& operator=(const TextEncoder&) = delete;

    /// Every term of the set is one that we know, and they may stand together.
    bool known() const noexcept;

    /// (0008,0005) for what is written: as given, but for a multi-byte set in the first place,
    /// which goes behind an empty one.
    const std::string& character_set() const noexcept;

    /// The value with its delimiters. Code extensions are back to the first set before each
    /// delimiter and at the end (PS3.5 6.1.2.5.3). Nothing: a character has no place in the set.
    std::optional<std::string> encode(Vr vr, std::string_view text);

    /// As above, with "?" for each character that has no place, counted in `replaced`.
    std::string encode_lossy(Vr vr, std::string_view text, std::size_t& replaced);

private:
    class State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::mapping
