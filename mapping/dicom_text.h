// Text of a data set as UTF-8 (PS3.5 6.1): from whatever Specific Character Set (0008,0005) says it
// is in, or seems to say. One thread at a time; what cannot be read becomes U+FFFD, never bad
// UTF-8.
#pragma once

#include "mapping/value_representation.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::mapping {

class TextDecoder {
public:
    /// `character_set`: the value of (0008,0005), with its backslashes; empty where it is absent.
    explicit TextDecoder(std::string character_set);
    ~TextDecoder();
    TextDecoder(const TextDecoder&) = delete;
    TextDecoder& operator=(const TextDecoder&) = delete;
    TextDecoder(TextDecoder&&) noexcept;
    TextDecoder& operator=(TextDecoder&&) noexcept;

    const std::string& character_set() const noexcept { return character_set_; }

    /// The values of an element with a text VR, one by one, without padding. A value may be empty;
    /// there is none where the element is empty. VRs that hold one value with backslashes keep
    /// them.
    std::vector<std::string> values(Vr vr, std::string_view raw);

private:
    std::string decoded(Vr vr, std::string_view raw);

    class Converter;
    std::string character_set_;
    std::unique_ptr<Converter> converter_; // once there is something to convert
};

} // namespace gantry::mapping
