// Sizes in memory and on disk carry their unit in the type.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gantry {

struct Bytes {
    std::uint64_t count = 0;

    friend auto operator<=>(const Bytes&, const Bytes&) = default;
};

constexpr Bytes operator+(Bytes a, Bytes b)
{
    return {a.count + b.count};
}

namespace literals {

constexpr Bytes operator""_KiB(unsigned long long n)
{
    return {n << 10U};
}

constexpr Bytes operator""_MiB(unsigned long long n)
{
    return {n << 20U};
}

constexpr Bytes operator""_GiB(unsigned long long n)
{
    return {n << 30U};
}

} // namespace literals

using ConstBytes = std::span<const std::byte>;

} // namespace gantry
