#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>

namespace gantry {

namespace {

constexpr auto le = Encoding::explicit_le;

// PS3.6 table A-1; web_allowed by PS3.18 table 8.7.3-2 and the exclusions of 8.7.3.5.2.
constexpr TransferSyntax known[] = {
    {"1.2.840.10008.1.2", "Implicit VR Little Endian", Encoding::implicit_le, false, false},
    {"1.2.840.10008.1.2.1", "Explicit VR Little Endian", le, false, true},
    {"1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian", le, true, true
    },
    {"1.2.840.10008.1.2.1.99",
     "Deflated Explicit VR Little Endian",
     Encoding::deflated_explicit_le,
     false,
     false},
    {"1.2.840.10008.1.2.2", "Explicit VR Big Endian", Encoding::explicit_be, false, false},
    {"1.2.840.10008.1.2.4.50", "JPEG Baseline", le, true, true},
    {"1.2.840.10008.1.2.4.51", "JPEG Extended", le, true, true},
    {"1.2.840.10008.1.2.4.57", "JPEG Lossless", le, true, true},
    {"1.2.840.10008.1.2.4.70", "JPEG Lossless SV1", le, true, true},
    {"1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", le, true, true},
    {"1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", le, true, true},
    {"1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless", le, true, true},
    {"1.2.840.10008.1.2.4.91", "JPEG 2000", le, true, true},
    {"1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Lossless", le, true, true},
    {"1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2", le, true, true},
    {"1.2.840.10008.1.2.4.100", "MPEG2 Main Profile Main Level", le, true, true},
    {"1.2.840.10008.1.2.4.100.1", "Fragmentable MPEG2 Main Profile Main Level", le, true, true},
    {"1.2.840.10008.1.2.4.101", "MPEG2 Main Profile High Level", le, true, true},
    {"1.2.840.10008.1.2.4.101.1", "Fragmentable MPEG2 Main Profile High Level", le, true, true},
    {"1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile 4.1", le, true, true},
    {"1.2.840.10008.1.2.4.102.1", "Fragmentable MPEG-4 AVC/H.264 High Profile 4.1", le, true, true},
    {"1.2.840.10008.1.2.4.103", "MPEG-4 AVC/H.264 BD-compatible High Profile 4.1", le, true, true},
    {"1.2.840.10008.1.2.4.103.1",
     "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile 4.1",
     le,
     true,
     true},
    {"1.2.840.10008.1.2.4.104", "MPEG-4 AVC/H.264 High Profile 4.2 2D", le, true, true},
    {"1.2.840.10008.1.2.4.104.1",
     "Fragmentable MPEG-4 AVC/H.264 High Profile 4.2 2D",
     le,
     true,
     true},
    {"1.2.840.10008.1.2.4.105", "MPEG-4 AVC/H.264 High Profile 4.2 3D", le, true, true},
    {"1.2.840.10008.1.2.4.105.1",
     "Fragmentable MPEG-4 AVC/H.264 High Profile 4.2 3D",
     le,
     true,
     true},
    {"1.2.840.10008.1.2.4.106", "MPEG-4 AVC/H.264 Stereo High Profile 4.2", le, true, true},
    {"1.2.840.10008.1.2.4.106.1",
     "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile 4.2",
     le,
     true,
     true},
    {"1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile 5.1", le, true, true},
    {"1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10 Profile 5.1", le, true, true},
    {"1.2.840.10008.1.2.4.110", "JPEG XL Lossless", le, true, true},
    {"1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", le, true, true},
    {"1.2.840.10008.1.2.4.112", "JPEG XL", le, true, true},
    {"1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Lossless", le, true, true},
    {"1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 RPCL Lossless", le, true, true},
    {"1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", le, true, true},
    {"1.2.840.10008.1.2.5", "RLE Lossless", le, true, true},
};

constexpr TransferSyntax unknown{"", "", Encoding::explicit_le, true, true};

} // namespace

std::span<const TransferSyntax> TransferSyntax::all()
{
    return known;
}

const TransferSyntax& TransferSyntax::of(std::string_view uid)
{
    const auto* found = std::ranges::find(known, uid, &TransferSyntax::uid);
    return found == std::end(known) ? unknown : *found;
}

} // namespace gantry
