// What a data set says about its pixels before they come (PS3.3 C.7.6.3), gathered from tokens.
// Any thread, one at a time.
#pragma once

#include "mapping/data_set_tokens.h"
#include "mapping/frame.h"

#include <cstdint>
#include <string>
#include <vector>

namespace gantry::mapping {

namespace tag {

inline constexpr Tag samples_per_pixel{0x0028, 0x0002};
inline constexpr Tag photometric_interpretation{0x0028, 0x0004};
inline constexpr Tag planar_configuration{0x0028, 0x0006};
inline constexpr Tag number_of_frames{0x0028, 0x0008};
inline constexpr Tag rows{0x0028, 0x0010};
inline constexpr Tag columns{0x0028, 0x0011};
inline constexpr Tag bits_allocated{0x0028, 0x0100};
inline constexpr Tag bits_stored{0x0028, 0x0101};
inline constexpr Tag pixel_representation{0x0028, 0x0103};
inline constexpr Tag lossy_image_compression{0x0028, 0x2110};
inline constexpr Tag extended_offset_table{0x7fe0, 0x0001};
inline constexpr Tag extended_offset_lengths{0x7fe0, 0x0002};
using gantry::tag::pixel_data;

} // namespace tag

struct ImageAttributes {
    FrameShape shape;
    std::string photometric; // without its padding
    bool planar = false;     // colour by plane
    std::uint32_t frames = 1;

    /// Errc::unsupported, Errc::malformed where no frame can be made of it.
    Result<void> check() const;
};

/// Hears every token and keeps those attributes, for the data set and for each open item.
class ImageAttributeReader {
public:
    ImageAttributeReader() { open_.emplace_back(); }

    void begin(const Token& token);
    void value(const Token& token, ConstBytes piece);
    void end(const Token& token);

    /// Of the innermost item that is open, or the data set.
    const ImageAttributes& here() const { return open_.back(); }

private:
    void take(const Token& token);

    std::vector<ImageAttributes> open_;
    bool keeping_ = false;
    std::string value_;
};

} // namespace gantry::mapping
