// What the head of a compressed frame says of itself: how it is compressed, and the image in it.
// Pure; any thread; never decodes.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/bytes.h"

#include <cstdint>
#include <string_view>

namespace gantry::mapping {

struct CodestreamHead {
    std::string_view transfer_syntax; // that such a codestream has (PS3.5 10, A.4)
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
    std::uint16_t samples = 0; // per pixel
    std::uint16_t bits = 0;    // stored
    bool has_sign = false;
    std::string_view photometric; // Photometric Interpretation as coded (PS3.5 8.2)
    std::uint64_t offset = 0;     // of the codestream: a JP2 file has boxes around it
    std::uint64_t size = 0;       // of the codestream; 0: to the end
};

/// So many bytes from the beginning are enough for any image.
inline constexpr std::size_t codestream_head_size = std::size_t{64} << 10U;

/// JPEG (baseline, extended, lossless), JPEG-LS, JPEG 2000 and HTJ2K, bare or as a JP2 file.
/// Errc::malformed: it is none, or its head is not whole; Errc::unsupported: another JPEG process.
Result<CodestreamHead> read_codestream_head(ConstBytes first);

} // namespace gantry::mapping
