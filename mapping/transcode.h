// Brings a data set from one transfer syntax into another, pixels included: decodes and encodes
// frame by frame as the bytes come (PS3.5 A.4, 8.2). For worker threads: it computes for as long
// as an image takes. Memory: one frame, compressed and not; never a whole multi-frame image.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/uid.h"

#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace gantry::mapping {

/// Whether a data set can be brought from one syntax into the other, as far as the UIDs tell.
/// Decoded are RLE, JPEG (baseline, extended, lossless), JPEG-LS, JPEG 2000 and HTJ2K; encoded are
/// RLE, JPEG lossless (SV1), JPEG-LS and JPEG 2000, without loss only. Into big endian or deflated:
/// never.
bool can_transcode(std::string_view from, std::string_view to);

/// In which of `accepted` an instance in `from` is best sent: as it is, else uncompressed, else
/// compressed without loss. Empty: in none.
Uid best_syntax(const Uid& from, std::span<const Uid> accepted);

/// What is larger fails with Errc::too_large.
struct TranscodeLimits {
    Bytes frame{256ULL << 20U};      // one frame, uncompressed; JPEG 2000 takes four times it
    Bytes codestream{256ULL << 20U}; // one frame, compressed
};

/// Lossless for what is lossless: the SOP Instance UID stays, and every sample. What has been
/// compressed with loss stays marked so (0028,2110). Photometric Interpretation and Planar
/// Configuration say what comes out: colour by pixel, RGB where the codestream's colour transform
/// is undone. Icons (0088,0200) are decoded with their image, and stay native when it is encoded.
class Transcoder {
public:
    /// Takes the next bytes, in pieces of any size. What it fails with ends the transcoding.
    using Out = std::function<Result<void>(ConstBytes)>;

    /// can_transcode(from, to) holds.
    Transcoder(
        std::string_view from, std::string_view to, Out out, const TranscodeLimits& limits = {}
    );
    ~Transcoder();
    Transcoder(const Transcoder&) = delete;
    Transcoder& operator=(const Transcoder&) = delete;
    Transcoder(Transcoder&&) noexcept;
    Transcoder& operator=(Transcoder&&) noexcept;

    /// Errors as DataSetScanner, and Errc::malformed where an image is not what its attributes say
    /// (fewer or more frames, other sizes, a codestream that is cut short or that its decoder
    /// warns of), Errc::unsupported, Errc::too_large. Never an image without its pixels: what has
    /// gone out before an error is worth nothing.
    Result<void> feed(ConstBytes chunk);
    Result<void> finish();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace gantry::mapping
