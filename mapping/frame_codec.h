// The codecs of compressed pixel data, one frame at a time (PS3.5 8.2). Worker threads, several at
// once. Each checks that the codestream is whole and has the sizes that the data set says.
#pragma once

#include "mapping/error.h"
#include "mapping/frame.h"
#include "mapping/vocabulary/bytes.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gantry::mapping {

enum class Codec : std::uint8_t {
    none,          // native pixel data: nothing to decode
    encapsulated,  // native frames in fragments (PS3.5 A.4.11)
    rle,           // PS3.5 annex G
    jpeg,          // baseline and extended: with loss
    jpeg_lossless, // processes 14 and 14 SV1
    jpeg_ls,       // lossless and near-lossless
    jpeg_2000,     // part 1 and HTJ2K
    other          // not done here
};

Codec codec_of(std::string_view transfer_syntax);

/// Whether codestreams of this syntax may have lost something, and whether they must have.
enum class Loss : std::uint8_t { never, maybe, always };
Loss loss_of(std::string_view transfer_syntax);

/// The syntax is one that encode_frame() makes.
bool is_encoded_here(std::string_view transfer_syntax);

enum class Colours : std::uint8_t { as_coded, to_rgb };

/// Decodes one codestream to colour by pixel, little endian; `out` has shape.bytes(). to_rgb: JPEG
/// undoes YCbCr, JPEG 2000 may undo its own transform. Errc::malformed, Errc::unsupported.
Result<void> decode_frame(
    Codec codec,
    ConstBytes codestream,
    const FrameShape& shape,
    Colours colours,
    std::span<std::byte> out
);

/// Encodes shape.bytes() of colour by pixel without loss. to_rgb: they are RGB, and JPEG 2000
/// transforms them. Errc::unsupported.
Result<std::vector<std::byte>>
encode_frame(Codec codec, ConstBytes frame, const FrameShape& shape, Colours colours);

/// Whether a fragment begins a codestream, so that it is the first of a frame where no offset table
/// says so.
bool begins_codestream(Codec codec, ConstBytes fragment);

// The codecs themselves: rle_codec.cpp, jpeg_codec.cpp, jpeg_ls_codec.cpp, jpeg_2000_codec.cpp.

Result<void> decode_rle(ConstBytes codestream, const FrameShape& shape, std::span<std::byte> out);
Result<std::vector<std::byte>> encode_rle(ConstBytes frame, const FrameShape& shape);

Result<void> decode_jpeg(
    ConstBytes codestream, const FrameShape& shape, Colours colours, std::span<std::byte> out
);
Result<std::vector<std::byte>> encode_jpeg_lossless(ConstBytes frame, const FrameShape& shape);

Result<void>
decode_jpeg_ls(ConstBytes codestream, const FrameShape& shape, std::span<std::byte> out);
Result<std::vector<std::byte>> encode_jpeg_ls(ConstBytes frame, const FrameShape& shape);

Result<void> decode_jpeg_2000(
    ConstBytes codestream, const FrameShape& shape, Colours colours, std::span<std::byte> out
);
Result<std::vector<std::byte>>
encode_jpeg_2000(ConstBytes frame, const FrameShape& shape, Colours colours);

/// What a JPEG or JPEG-LS codestream says of itself in its frame header (ISO 10918-1 B.2.2, ISO
/// 14495-1 C.2.2).
struct JpegHead {
    std::uint8_t process = 0; // of SOFn: 0 to 3 for JPEG, 55 for JPEG-LS
    std::uint8_t precision = 0;
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
    std::uint8_t components = 0;
};

/// Errc::malformed: no frame header, or no end of image.
Result<JpegHead> read_jpeg_head(ConstBytes codestream);

/// Errc::malformed where it is another image than `shape` says.
Result<void> check_jpeg_head(const JpegHead& head, const FrameShape& shape);

/// Values of 8 bits spread to, or of 16 bits taken as, what shape.bits_allocated asks for.
/// `values`: of one or two bytes, by `bytes_each`; out.size() is shape.bytes().
Result<void> store_values(
    ConstBytes values, std::size_t bytes_each, const FrameShape& shape, std::span<std::byte> out
);

} // namespace gantry::mapping
