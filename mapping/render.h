// One decoded frame as a screen shows it (PS3.3 C.11, C.7.6.3, C.7.6.16; PS3.18 8.3.5): modality
// and VOI transformation, palette, colour spaces, crop, scale. Pure; worker threads, several at
// once, one for one data set. Memory: a few times one frame; never the image whole.
#pragma once

#include "mapping/error.h"
#include "mapping/frame.h"
#include "mapping/picture.h"
#include "mapping/vocabulary/bytes.h"

#include <cstdint>
#include <optional>
#include <string_view>

class DcmItem;

namespace gantry::mapping {

enum class VoiFunction : std::uint8_t { linear, linear_exact, sigmoid };

/// PS3.3 C.11.2.1.2, in the units that the modality transformation makes.
struct VoiWindow {
    double center = 0;
    double width = 0;
    VoiFunction function = VoiFunction::linear;
};

/// PS3.18 8.3.5.1.3. In pixels of the image; without `width` or `height`: to its edge. A negative
/// one mirrors.
struct PixelRegion {
    double left = 0;
    double top = 0;
    std::optional<double> width;
    std::optional<double> height;
};

/// WADO-URI's (PS3.18 9.1.2.2.6): fractions of the image, 0 to 1.
struct FractionRegion {
    double left = 0;
    double top = 0;
    double right = 1;
    double bottom = 1;
};

struct RenderOptions {
    std::optional<VoiWindow> window; // of grey images; nothing: the image's own, else its range
    std::optional<PixelRegion> pixels;
    std::optional<FractionRegion> fraction;
    std::uint32_t max_width = 0; // fitted into, with its aspect; 0: as large as it is
    std::uint32_t max_height = 0;
};

/// What a frame is, once it is decoded and little endian, colour by pixel or by plane.
struct DecodedFrame {
    FrameShape shape;
    ConstBytes bytes;                  // shape.bytes(); 32 or 64 bits of `floating` by pixel
    std::string_view photometric = {}; // as decoding left it; empty: as the data set says
    bool planar = false;               // colour by plane
    bool floating = false;             // (7FE0,0008), (7FE0,0009)
    std::uint32_t number = 1;          // the frame's own, for its functional groups
};

/// Whether a picture of an image of that size can be made. Errc::malformed: a region without
/// pixels; Errc::too_large.
Result<void> check_options(const FrameShape& shape, const RenderOptions& options);

/// `attributes`: the data set, its pixels need not be in it. Errc::malformed, Errc::unsupported,
/// Errc::too_large (a picture of more than 100 million pixels).
Result<Picture>
render_frame(DcmItem& attributes, const DecodedFrame& frame, const RenderOptions& options = {});

} // namespace gantry::mapping
