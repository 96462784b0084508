// Content-Type and Accept (RFC 9110 8.3.1, 12.5.1) as DICOMweb uses them (PS3.18 8.7). Pure; any
// thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::mapping {

struct MediaType {
    std::string type;                                            // lower case; "*" in a range
    std::string subtype;                                         // lower case; "*" in a range
    std::vector<std::pair<std::string, std::string>> parameters; // names in lower case

    /// "multipart/related"
    std::string essence() const { return type + "/" + subtype; }

    /// The value of a parameter, quotes and escapes undone; empty where it is absent.
    std::string_view parameter(std::string_view name) const;
};

struct MediaRange {
    MediaType media;
    unsigned quality = 1000; // thousandths; 0: not acceptable
};

/// Nothing where it is none. Tolerated: a parameter value with "/" and no quotes, as in
/// type=application/dicom.
std::optional<MediaType> parse_media_type(std::string_view text);

/// In the order of the header; members that cannot be read are left out (PS3.18 8.7.5).
std::vector<MediaRange> parse_accept(std::string_view text);

/// Does `offer` satisfy `range`? Wildcards, type=..., and transfer-syntax=... where both name one
/// ("*" satisfies all); other parameters do not count.
bool satisfies(const MediaType& offer, const MediaType& range);

/// The index of the offer that the client likes best, the first of equals; the most specific range
/// decides the quality of an offer. Nothing: 406. An empty `accept` takes the first offer.
std::optional<std::size_t>
choose(std::span<const MediaType> offers, std::span<const MediaRange> accept);

} // namespace gantry::mapping
