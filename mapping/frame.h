// One frame of Pixel Data and how it lies in memory when it is not compressed (PS3.3 C.7.6.3).
#pragma once

#include <cstddef>
#include <cstdint>

namespace gantry::mapping {

struct FrameShape {
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
    std::uint16_t samples = 1;        // for each pixel: 1 or 3
    std::uint16_t bits_allocated = 0; // 1, 8, 16 or 32
    std::uint16_t bits_stored = 0;
    bool is_signed = false;

    std::size_t pixels() const noexcept { return std::size_t{rows} * columns; }

    std::size_t values() const noexcept { return pixels() * samples; }

    std::size_t bytes_per_value() const noexcept { return bits_allocated / 8U; }

    /// Of one frame; bits of a 1 bit image are packed (PS3.5 8.1.1).
    std::size_t bytes() const noexcept
    {
        return bits_allocated == 1 ? (values() + 7) / 8 : values() * bytes_per_value();
    }
};

} // namespace gantry::mapping
