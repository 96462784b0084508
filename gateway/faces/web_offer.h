// What is on offer of what is stored, and which of it a client takes (PS3.18 8.7, 10.4.1): as one
// part or several, under which media type, in which transfer syntax. Pure.
#pragma once

#include "mapping/media_type.h"
#include "mapping/vocabulary/uid.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::faces {

enum class Packaging : std::uint8_t { multipart, single };

/// One form in which something can be given.
struct Offer {
    std::string media; // "application/dicom", "image/jls"
    std::string syntax;
    bool stored = false;       // without a change: what transfer-syntax=* means
    bool fallback = false;     // what a wildcard means
    bool type_default = false; // what the media type without a transfer syntax means

    /// "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"
    std::string content_type() const { return media + "; transfer-syntax=" + syntax; }
};

/// The syntax in which an instance leaves that is given as it is stored: its own, or Explicit VR
/// Little Endian where that may not stand on the web.
Uid web_syntax(const Uid& stored);

/// Of an instance as a DICOM file. Without a transfer syntax: uncompressed, but what is lossy, or
/// cannot be decoded here, as it is stored (PS3.18 8.7.3.5.2).
std::vector<Offer> instance_offers(const Uid& stored);

/// Of frames (PS3.18 tables 8.7.3-2 and following). `may_be_encoded`: samples that our encoders
/// take.
std::vector<Offer> frame_offers(const Uid& stored, bool may_be_encoded);

/// Of bytes that are no pixels.
std::vector<Offer> bulk_offers();

/// The media type under which frames in that syntax go.
std::string_view frame_media_type(std::string_view syntax);

struct Liking {
    unsigned quality = 0; // thousandths; 0: none of them is taken
    std::size_t offer = 0;
};

/// The offer that is liked best, the first of equals.
Liking best_offer(std::span<const Offer> offers, std::string_view accept, Packaging packaging);

struct Agreement {
    Packaging packaging = Packaging::multipart;
    std::size_t offer = 0;
};

/// Of one thing. `usual`: the packaging of equals. Nothing: 406. An empty `accept` is "*/*".
std::optional<Agreement> agree(
    std::span<const Offer> offers,
    std::string_view accept,
    bool may_be_single,
    Packaging usual = Packaging::multipart
);

/// For people.
std::string on_offer(std::span<const Offer> offers);

/// DICOM media types and rendered ones in one Accept: 400 (PS3.18 8.7.4). Of resources that have
/// both.
bool mixes_rendered(std::string_view accept);

} // namespace gantry::faces
