// Numbers on the wire: big endian in PDUs (PS3.8 9.3.1), little endian in command sets (PS3.7 6.3).
// A Reader never leaves its bytes: what is too short makes it fail, once and for all.
#pragma once

#include "mapping/vocabulary/bytes.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gantry::dimse::wire {

using Buffer = std::vector<std::byte>;

inline std::uint32_t number(const std::byte* at)
{
    return std::to_integer<std::uint32_t>(*at);
}

inline std::uint16_t be16(const std::byte* at)
{
    return static_cast<std::uint16_t>(number(at) << 8U | number(at + 1));
}

inline std::uint32_t be32(const std::byte* at)
{
    return number(at) << 24U | number(at + 1) << 16U | number(at + 2) << 8U | number(at + 3);
}

inline std::uint16_t le16(const std::byte* at)
{
    return static_cast<std::uint16_t>(number(at + 1) << 8U | number(at));
}

inline std::uint32_t le32(const std::byte* at)
{
    return number(at + 3) << 24U | number(at + 2) << 16U | number(at + 1) << 8U | number(at);
}

inline void store_be32(std::byte* at, std::uint32_t value)
{
    for (unsigned i = 0; i < 4; ++i)
        at[i] = static_cast<std::byte>(value >> (24U - 8U * i));
}

inline std::string_view text(ConstBytes bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; // bytes are characters
}

inline ConstBytes bytes(std::string_view text)
{
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; // and back
}

class Reader {
public:
    explicit Reader(ConstBytes rest) : rest_(rest) {}

    bool failed() const noexcept { return failed_; }

    bool done() const noexcept { return rest_.empty() || failed_; }

    ConstBytes take(std::size_t count)
    {
        if (failed_ || rest_.size() < count) {
            failed_ = true;
            return {};
        }
        const ConstBytes taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }

    std::uint8_t u8()
    {
        const ConstBytes taken = take(1);
        return taken.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(taken[0]);
    }

    std::uint16_t u16()
    {
        const ConstBytes taken = take(2);
        return taken.empty() ? std::uint16_t{0} : be16(taken.data());
    }

    std::uint32_t u32()
    {
        const ConstBytes taken = take(4);
        return taken.empty() ? 0 : be32(taken.data());
    }

private:
    ConstBytes rest_;
    bool failed_ = false;
};

inline void put8(Buffer& out, unsigned value)
{
    out.push_back(static_cast<std::byte>(value));
}

inline void put16(Buffer& out, unsigned value)
{
    put8(out, value >> 8U & 0xffU);
    put8(out, value & 0xffU);
}

inline void put32(Buffer& out, std::uint32_t value)
{
    put16(out, value >> 16U);
    put16(out, value & 0xffffU);
}

inline void put(Buffer& out, std::string_view text)
{
    const ConstBytes source = bytes(text);
    out.insert(out.end(), source.begin(), source.end());
}

} // namespace gantry::dimse::wire
