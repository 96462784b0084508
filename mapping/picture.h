// A picture as screens show it, and its encodings. Pure; worker threads, several at once.
#pragma once

#include "mapping/error.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace gantry::mapping {

/// 8 bits for each sample, row by row without padding, colour by pixel.
struct Picture {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    unsigned samples = 1; // for each pixel: 1 is grey, 0 black; 3 is RGB
    std::vector<std::byte> values;
};

inline constexpr unsigned best_quality = 100;

/// JPEG baseline (PS3.18 8.7.4), `quality` 1 to 100; colour as YCbCr, subsampled below 90.
/// Errc::unsupported: a side beyond 65500 pixels.
Result<std::vector<std::byte>> encode_jpeg(const Picture& picture, unsigned quality);

/// PNG, 8 bits for each sample, without loss.
Result<std::vector<std::byte>> encode_png(const Picture& picture);

/// GIF89a, picture by picture; animated where there are several. Grey and up to 256 colours without
/// loss, else reduced to 256 colours.
class GifEncoder {
public:
    /// `pause` between pictures in hundredths of a second; several repeat for ever.
    GifEncoder(std::uint16_t pause, bool several);
    ~GifEncoder();
    GifEncoder(const GifEncoder&) = delete;
    GifEncoder& operator=(const GifEncoder&) = delete;

    /// All have the size of the first. The bytes that may leave now.
    Result<std::vector<std::byte>> add(const Picture& picture);
    /// The last bytes.
    Result<std::vector<std::byte>> finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::mapping
