// A UID in 32 bytes, so that hundreds of thousands can be remembered. Pure; any thread.
#pragma once

#include "mapping/vocabulary/uid.h"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace gantry::cache {

class PackedUid {
public:
    PackedUid() = default;

    explicit PackedUid(const Uid& uid) noexcept
    {
        std::size_t at = 0;
        for (const char c : uid.str()) {
            const unsigned code = c == '.' ? dot : static_cast<unsigned>(c - '0') + 1;
            nibbles_[at / 2] |= static_cast<std::uint8_t>(at % 2 == 0 ? code << 4U : code);
            ++at;
        }
    }

    Uid unpack() const
    {
        constexpr std::string_view characters = " 0123456789.    "; // of the codes; ' ' is none
        std::array<char, 64> text{};
        std::size_t size = 0;
        while (size < text.size()) {
            const std::uint8_t pair = nibbles_[size / 2];
            const unsigned code = size % 2 == 0 ? pair >> 4U : pair & 0xfU;
            if (code == 0)
                break;
            text[size++] = characters[code];
        }
        return Uid::parse({text.data(), size}).value_or(Uid{});
    }

    /// As it lies in a file.
    const std::array<std::uint8_t, 32>& bytes() const noexcept { return nibbles_; }

    /// What bytes() gave; other bytes make a UID that unpack() may find to be none.
    static PackedUid from_bytes(const std::array<std::uint8_t, 32>& bytes) noexcept
    {
        PackedUid uid;
        uid.nibbles_ = bytes;
        return uid;
    }

    friend auto operator<=>(const PackedUid&, const PackedUid&) = default;

private:
    static constexpr unsigned dot = 11; // digits are 1 to 10, 0 is the end

    std::array<std::uint8_t, 32> nibbles_{};
};

} // namespace gantry::cache

template <>
struct std::hash<gantry::cache::PackedUid> {
    std::size_t operator()(const gantry::cache::PackedUid& uid) const noexcept
    {
        const auto& bytes = uid.bytes();
        return std::hash<std::string_view>{
        }({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
};
