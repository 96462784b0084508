// Where the frames of an image lie in its data set (PS3.5 8.2, A.4), so that one is read without
// the others. For threads that may block, any of them: a table is made once and only read from then
// on. Reads what stands before the pixels and the heads of fragments, never the pixels.
#pragma once

#include "mapping/frame_codec.h"
#include "mapping/image_attributes.h"
#include "mapping/vocabulary/random_access.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::mapping {

namespace tag {

inline constexpr Tag float_pixel_data{0x7fe0, 0x0008};
inline constexpr Tag double_pixel_data{0x7fe0, 0x0009};

} // namespace tag

/// Bytes of a data set.
struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;

    friend bool operator==(const Extent&, const Extent&) = default;
};

/// Where one frame lies: in one piece, or where it is compressed in one for each fragment, without
/// their item headers.
struct FrameExtent {
    std::vector<Extent> pieces;
    unsigned first_bit = 0; // of a 1 bit frame in its first byte, 0 to 7, the lowest one first

    std::uint64_t length() const;
};

class ImageFrames {
public:
    /// `data_set` in any syntax but a deflated or a big endian one (Errc::unsupported).
    /// Errc::not_dicom: it has no pixels. Errc::malformed, Errc::truncated: its structure does not
    /// hold, or there are not as many frames as it says; Errc::too_large: more than 2^19 fragments.
    static Result<ImageFrames> read(const RandomAccess& data_set, std::string_view transfer_syntax);

    const ImageAttributes& image() const noexcept { return image_; }

    const std::string& transfer_syntax() const noexcept { return syntax_; }

    Codec codec() const noexcept { return codec_of(syntax_); }

    /// Pixel Data, Float Pixel Data or Double Float Pixel Data.
    Tag element() const noexcept { return element_; }

    bool encapsulated() const noexcept { return encapsulated_; }

    /// A video is one frame here: its stream.
    bool video() const noexcept { return video_; }

    /// Frames that can be had: image().frames, or 1 of a video.
    std::uint32_t count() const noexcept { return count_; }

    /// The value of a native element; empty of an encapsulated one.
    Extent value() const noexcept { return value_; }

    /// Of frame `number`, from 1 to count(). Errc::malformed where what lies there is none.
    Result<FrameExtent> frame(const RandomAccess& data_set, std::uint32_t number) const;

    /// Bytes of one native frame, all but the bits that share a byte with the next.
    std::uint64_t frame_bytes() const noexcept { return (frame_bits_ + 7) / 8; }

    /// What the table takes in memory, about.
    std::size_t footprint() const noexcept;

private:
    class Reading;

    struct Fragment {
        std::uint64_t offset; // of its bytes
        std::uint32_t length;
    };

    Result<FrameExtent> by_table(const RandomAccess& data_set, std::uint32_t number) const;

    ImageAttributes image_;
    std::string syntax_;
    Tag element_;
    bool encapsulated_ = false;
    bool video_ = false;
    std::uint32_t count_ = 0;
    Extent value_;
    std::uint64_t frame_bits_ = 0;        // of a native frame
    std::vector<std::uint64_t> starts_;   // by an offset table: where the item of each frame is
    std::vector<Fragment> fragments_;     // else: all of them
    std::vector<std::uint32_t> first_of_; // the first fragment of each frame; empty: one for each
};

/// Where fragments end whose first item (the offset table) is at `offset`: behind their delimiter.
/// Errc::malformed, Errc::truncated.
Result<std::uint64_t> end_of_fragments(const RandomAccess& data_set, std::uint64_t offset);

/// The bytes of a frame as they are stored: a codestream without item headers, or a native frame
/// from a byte's lowest bit on. Errc::too_large above `most`.
Result<std::vector<std::byte>> stored_frame(
    const RandomAccess& data_set,
    const ImageFrames& frames,
    std::uint32_t number,
    Bytes most = {256ULL << 20U}
);

/// A frame that is not compressed, little endian.
struct NativeFrame {
    FrameShape shape;
    std::string photometric; // what the samples are now: RGB where a colour transform was undone
    bool planar = false;     // colour by plane
    bool floating = false;   // shape.bits_allocated is 32 or 64
    std::vector<std::byte> bytes;
};

/// Decodes where it must (colour by pixel then); a native frame comes as it is, of 1 bit packed.
/// Errors as stored_frame() and decode_frame(). Computes for as long as an image takes.
Result<NativeFrame> native_frame(
    const RandomAccess& data_set,
    const ImageFrames& frames,
    std::uint32_t number,
    Bytes most = {256ULL << 20U}
);

/// Whether encoded_frame() may do that: the image has samples that our encoders take.
bool may_be_encoded(const ImageFrames& frames);

/// Into a syntax that is_encoded_here(), without loss. Errors as encode_frame().
Result<std::vector<std::byte>> encoded_frame(const NativeFrame& frame, std::string_view syntax);

} // namespace gantry::mapping
