#include "gateway/faces/web_offer.h"

#include "mapping/frame_codec.h"
#include "mapping/transcode.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <array>

namespace gantry::faces {

namespace {

using mapping::MediaRange;

constexpr std::string_view dicom = "application/dicom";
constexpr std::string_view octets = "application/octet-stream";

struct Row {
    std::string_view syntax;
    std::string_view media;
    bool is_default = false; // of its media type
    bool lossless = false;
};

// PS3.18 tables 8.7.3-2, 8.7.3-4, 8.7.3-5: compressed bulk data; PS3.5 8.2: what is lossless.
constexpr auto rows = std::to_array<Row>({
    {"1.2.840.10008.1.2.5", "image/dicom-rle", true, true},
    {"1.2.840.10008.1.2.4.50", "image/jpeg"},
    {"1.2.840.10008.1.2.4.51", "image/jpeg"},
    {"1.2.840.10008.1.2.4.57", "image/jpeg", false, true},
    {"1.2.840.10008.1.2.4.70", "image/jpeg", true, true},
    {"1.2.840.10008.1.2.4.80", "image/jls", true, true},
    {"1.2.840.10008.1.2.4.81", "image/jls"},
    {"1.2.840.10008.1.2.4.90", "image/jp2", true, true},
    {"1.2.840.10008.1.2.4.91", "image/jp2"},
    {"1.2.840.10008.1.2.4.92", "image/jpx", true, true},
    {"1.2.840.10008.1.2.4.93", "image/jpx"},
    {"1.2.840.10008.1.2.4.100", "video/mpeg"},
    {"1.2.840.10008.1.2.4.100.1", "video/mpeg"},
    {"1.2.840.10008.1.2.4.101", "video/mpeg", true},
    {"1.2.840.10008.1.2.4.101.1", "video/mpeg"},
    {"1.2.840.10008.1.2.4.102", "video/mp4", true},
    {"1.2.840.10008.1.2.4.102.1", "video/mp4"},
    {"1.2.840.10008.1.2.4.103", "video/mp4"},
    {"1.2.840.10008.1.2.4.103.1", "video/mp4"},
    {"1.2.840.10008.1.2.4.104", "video/mp4"},
    {"1.2.840.10008.1.2.4.104.1", "video/mp4"},
    {"1.2.840.10008.1.2.4.105", "video/mp4"},
    {"1.2.840.10008.1.2.4.105.1", "video/mp4"},
    {"1.2.840.10008.1.2.4.106", "video/mp4"},
    {"1.2.840.10008.1.2.4.106.1", "video/mp4"},
    {"1.2.840.10008.1.2.4.107", "video/h265", true},
    {"1.2.840.10008.1.2.4.108", "video/h265"},
    {"1.2.840.10008.1.2.4.110", "image/jxl", true, true},
    {"1.2.840.10008.1.2.4.111", "image/jxl"},
    {"1.2.840.10008.1.2.4.112", "image/jxl"},
    {"1.2.840.10008.1.2.4.201", "image/jphc", true, true},
    {"1.2.840.10008.1.2.4.202", "image/jphc", false, true},
    {"1.2.840.10008.1.2.4.203", "image/jphc"},
});

const Row* row_of(std::string_view syntax)
{
    const auto* found = std::ranges::find(rows, syntax, &Row::syntax);
    return found == rows.end() ? nullptr : found;
}

bool is_native(std::string_view syntax)
{
    return !TransferSyntax::of(syntax).encapsulated;
}

/// Every value can be had back.
bool is_lossless(std::string_view syntax)
{
    const Row* row = row_of(syntax);
    return mapping::loss_of(syntax) == mapping::Loss::never || (row != nullptr && row->lossless);
}

bool decodes(std::string_view syntax)
{
    return mapping::can_transcode(syntax, transfer_syntax::explicit_le);
}

// The old names are those of before the types were registered.
std::string_view current_name(std::string_view media)
{
    if (media == "image/x-jls")
        return "image/jls";
    return media == "image/x-dicom-rle" ? "image/dicom-rle" : media;
}

std::string lower(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

/// What a range says of the content, whatever the packaging.
struct Wanted {
    bool anything = false;
    std::string media; // empty: any; "image/*"
    std::string_view syntax;
};

std::optional<Wanted> wanted(const MediaRange& range, Packaging packaging)
{
    const auto& media = range.media;
    Wanted out;
    out.syntax = media.parameter("transfer-syntax");
    if (media.type == "*") {
        out.anything = true;
        return out;
    }
    if (packaging == Packaging::multipart) {
        if (media.type != "multipart" || (media.subtype != "*" && media.subtype != "related"))
            return std::nullopt;
        out.media = lower(media.parameter("type"));
        out.anything = out.media.empty();
    } else {
        if (media.type == "multipart")
            return std::nullopt;
        out.media = media.essence();
    }
    out.media = current_name(out.media);
    return out;
}

/// How closely a range describes an offer; nothing where it does not.
std::optional<unsigned> closeness(const Wanted& range, const Offer& offer)
{
    if (range.anything)
        return offer.fallback ? std::optional(0U) : std::nullopt;
    if (range.media.ends_with("/*")) {
        const std::string_view family =
            std::string_view(range.media).substr(0, range.media.size() - 1);
        const bool of_it = offer.media.starts_with(family);
        return of_it && (offer.fallback || offer.type_default) ? std::optional(1U) : std::nullopt;
    }
    const bool named = range.media == offer.media;
    if (range.syntax.empty())
        return named && offer.type_default ? std::optional(2U) : std::nullopt;
    // Compressed frames have types of their own; clients ask for them as bytes all the same.
    const bool as_bytes = range.media == octets;
    if (range.syntax == "*") {
        const bool taken = offer.stored ? named || as_bytes : named && offer.type_default;
        return taken ? std::optional(3U) : std::nullopt;
    }
    return range.syntax == offer.syntax && (named || as_bytes) ? std::optional(4U) : std::nullopt;
}

unsigned quality_of(const Offer& offer, std::span<const MediaRange> ranges, Packaging packaging)
{
    std::optional<unsigned> closest;
    unsigned quality = 0;
    for (const MediaRange& range : ranges) {
        const auto what = wanted(range, packaging);
        const auto close = what ? closeness(*what, offer) : std::nullopt;
        if (!close || (closest && *close < *closest))
            continue;
        quality = closest == close ? std::max(quality, range.quality) : range.quality;
        closest = close;
    }
    return quality;
}

bool is_rendered(const MediaRange& range)
{
    const auto& type = range.media.type;
    return type == "image" || type == "video" || type == "text" ||
           range.media.essence() == "application/pdf";
}

} // namespace

std::string_view frame_media_type(std::string_view syntax)
{
    const Row* row = row_of(syntax);
    return row == nullptr ? octets : row->media;
}

Uid web_syntax(const Uid& stored)
{
    if (TransferSyntax::of(stored.str()).web_allowed)
        return stored;
    return Uid::parse(transfer_syntax::explicit_le).value_or(Uid());
}

std::vector<Offer> instance_offers(const Uid& stored)
{
    const std::string here = web_syntax(stored).str();
    const bool plain = is_native(here) || (is_lossless(here) && decodes(here));
    const auto offer = [&](std::string_view syntax) {
        const bool usual = plain ? syntax == transfer_syntax::explicit_le : syntax == here;
        return Offer{std::string(dicom), std::string(syntax), syntax == here, usual, usual};
    };
    std::vector<Offer> out{offer(here)};
    if (here != transfer_syntax::explicit_le && decodes(here))
        out.push_back(offer(transfer_syntax::explicit_le));
    for (const Row& row : rows)
        if (row.syntax != here && mapping::is_encoded_here(row.syntax) &&
            mapping::can_transcode(here, row.syntax))
            out.push_back(offer(row.syntax));
    return out;
}

std::vector<Offer> frame_offers(const Uid& stored, bool may_be_encoded)
{
    const std::string here = web_syntax(stored).str();
    const std::string media(frame_media_type(here));
    std::vector<Offer> out;
    const bool native = is_native(here);
    bool has_default = false; // the media type of what is stored has another default here
    if (!native) {
        const auto makes_default = [&](const Row& row) {
            return row.media == media && row.is_default && row.syntax != here && may_be_encoded &&
                   decodes(here) && mapping::is_encoded_here(row.syntax);
        };
        has_default = is_lossless(here) && std::ranges::any_of(rows, makes_default);
        out.push_back({media, here, true, !decodes(here), !has_default});
    }
    if (native || decodes(here))
        out.push_back(
            {std::string(octets), std::string(transfer_syntax::explicit_le), native, true, true}
        );
    for (const Row& row : rows)
        if (may_be_encoded && row.syntax != here && mapping::is_encoded_here(row.syntax) &&
            mapping::can_transcode(here, row.syntax)) {
            const bool of_stored = !native && row.media == media;
            out.push_back(
                {std::string(row.media),
                 std::string(row.syntax),
                 false,
                 false,
                 row.is_default && (!of_stored || has_default)}
            );
        }
    return out;
}

std::vector<Offer> bulk_offers()
{
    return {{std::string(octets), std::string(transfer_syntax::explicit_le), true, true, true}};
}

Liking best_offer(std::span<const Offer> offers, std::string_view accept, Packaging packaging)
{
    const auto ranges = mapping::parse_accept(accept.empty() ? "*/*" : accept);
    Liking best;
    for (std::size_t i = 0; i < offers.size(); ++i) {
        const unsigned quality = quality_of(offers[i], ranges, packaging);
        if (quality > best.quality)
            best = {quality, i};
    }
    return best;
}

std::optional<Agreement>
agree(std::span<const Offer> offers, std::string_view accept, bool may_be_single, Packaging usual)
{
    const Liking multipart = best_offer(offers, accept, Packaging::multipart);
    const Liking single = may_be_single ? best_offer(offers, accept, Packaging::single) : Liking{};
    if (multipart.quality == 0 && single.quality == 0)
        return std::nullopt;
    const bool as_single = single.quality > multipart.quality ||
                           (single.quality == multipart.quality && usual == Packaging::single);
    return as_single ? Agreement{Packaging::single, single.offer}
                     : Agreement{Packaging::multipart, multipart.offer};
}

std::string on_offer(std::span<const Offer> offers)
{
    std::string out;
    for (const Offer& offer : offers)
        out += (out.empty() ? "" : ", ") + offer.content_type();
    return out;
}

bool mixes_rendered(std::string_view accept)
{
    bool rendered = false;
    bool other = false;
    for (const MediaRange& range : mapping::parse_accept(accept)) {
        rendered = rendered || is_rendered(range);
        other = other || (!is_rendered(range) && range.media.type != "*");
    }
    return rendered && other;
}

} // namespace gantry::faces
