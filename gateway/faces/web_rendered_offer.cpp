#include "gateway/faces/web_rendered_offer.h"

#include "mapping/media_type.h"

#include <algorithm>
#include <array>
#include <vector>

namespace gantry::faces {

namespace {

struct Row {
    std::string_view sop_class;
    Material material;
    bool family = false; // and all below it
};

// PS3.4 B.5, as far as they are no images. SR and its like: PS3.3 A.35.
constexpr auto rows = std::to_array<Row>({
    {"1.2.840.10008.5.1.4.1.1.88", Material::report, true},
    {"1.2.840.10008.5.1.4.1.1.104", Material::document, true},
    {"1.2.840.10008.5.1.4.1.1.11", Material::presentation, true},
    {"1.2.840.10008.5.1.4.1.1.9", Material::nothing, true}, // waveforms
    {"1.2.840.10008.5.1.4.1.1.66", Material::nothing},      // raw data
    {"1.2.840.10008.5.1.4.1.1.66.1", Material::nothing},    // spatial registration
    {"1.2.840.10008.5.1.4.1.1.66.2", Material::nothing},    // spatial fiducials
    {"1.2.840.10008.5.1.4.1.1.66.3", Material::nothing},    // deformable registration
    {"1.2.840.10008.5.1.4.1.1.66.5", Material::nothing},    // surface segmentation
    {"1.2.840.10008.5.1.4.1.1.66.6", Material::nothing},    // tractography
    {"1.2.840.10008.5.1.4.1.1.67", Material::nothing},      // real world value mapping
    {"1.2.840.10008.5.1.4.1.1.4.2", Material::nothing},     // MR spectroscopy
    {"1.2.840.10008.5.1.4.1.1.481.3", Material::nothing},   // RT structure set
    {"1.2.840.10008.5.1.4.1.1.481.4", Material::nothing},   // RT beams treatment record
    {"1.2.840.10008.5.1.4.1.1.481.5", Material::nothing},   // RT plan
    {"1.2.840.10008.5.1.4.1.1.481.6", Material::nothing},   // RT brachy treatment record
    {"1.2.840.10008.5.1.4.1.1.481.7", Material::nothing},   // RT treatment summary record
    {"1.2.840.10008.5.1.4.1.1.481.8", Material::nothing},   // RT ion plan
    {"1.2.840.10008.5.1.4.1.1.481.9", Material::nothing},   // RT ion beams treatment record
    {"1.2.840.10008.5.1.4.34.7", Material::nothing},        // RT beams delivery instruction
});

constexpr auto pictures = std::to_array<std::string_view>({"image/jpeg", "image/png", "image/gif"});

bool is_dicom(const mapping::MediaType& media)
{
    const std::string essence = media.essence();
    return essence.starts_with("application/dicom") || essence == "application/octet-stream";
}

bool is_rendered(const mapping::MediaType& media)
{
    constexpr auto text =
        std::to_array<std::string_view>({"application/pdf", "text/html", "text/plain", "text/xml"});
    const std::string essence = media.essence();
    return media.type == "video" || std::ranges::find(pictures, essence) != pictures.end() ||
           std::ranges::find(text, essence) != text.end();
}

bool is_multipart(const mapping::MediaRange& range)
{
    return range.media.type == "multipart" && range.media.subtype != "*";
}

/// What a range asks for within its multipart. Without a type parameter: anything.
mapping::MediaRange inner(const mapping::MediaRange& range)
{
    mapping::MediaRange out = range;
    if (!is_multipart(range))
        return out;
    const auto type = mapping::parse_accept(range.media.parameter("type"));
    out.media = type.empty() ? mapping::MediaType{"*", "*", {}} : type.front().media;
    return out;
}

std::optional<std::string> choose_among(
    std::span<const std::string_view> offers, const std::vector<mapping::MediaRange>& ranges
)
{
    if (ranges.empty())
        return std::nullopt;
    std::vector<mapping::MediaType> media;
    for (const std::string_view offer : offers)
        media.push_back(mapping::parse_media_type(offer).value_or(mapping::MediaType{}));
    const auto chosen = mapping::choose(media, ranges);
    return chosen ? std::optional(std::string(offers[*chosen])) : std::nullopt;
}

} // namespace

std::optional<Material> material_of(const Uid& sop_class)
{
    const auto fits = [&](const Row& row) {
        const std::string& uid = sop_class.str();
        if (!uid.starts_with(row.sop_class))
            return false;
        return uid.size() == row.sop_class.size() ||
               (row.family && uid[row.sop_class.size()] == '.');
    };
    const auto* found = std::ranges::find_if(rows, fits);
    return found == rows.end() ? std::nullopt : std::optional(found->material);
}

std::span<const std::string_view> picture_types()
{
    return pictures;
}

bool mixes_types(std::string_view accept)
{
    bool dicom = false;
    bool rendered = false;
    for (const mapping::MediaRange& range : mapping::parse_accept(accept)) {
        dicom = dicom || is_dicom(inner(range).media);
        rendered = rendered || is_rendered(inner(range).media);
    }
    return dicom && rendered;
}

std::optional<RenderedType>
choose_rendered(std::span<const std::string_view> offers, bool plural, std::string_view accept)
{
    if (offers.empty())
        return std::nullopt;
    if (accept.empty())
        return RenderedType{std::string(offers.front()), plural};
    std::vector<mapping::MediaRange> alone;
    std::vector<mapping::MediaRange> parts;
    for (const mapping::MediaRange& range : mapping::parse_accept(accept)) {
        const mapping::MediaRange wanted = inner(range);
        if (!wanted.media.parameter("transfer-syntax").empty())
            continue; // PS3.18 8.7.3.5.2: of no rendered type
        if (plural || is_multipart(range))
            parts.push_back(wanted);
        if (!plural && !is_multipart(range))
            alone.push_back(wanted);
    }
    if (auto media = choose_among(offers, alone))
        return RenderedType{std::move(*media), false};
    if (auto media = choose_among(offers, parts))
        return RenderedType{std::move(*media), true};
    return std::nullopt;
}

} // namespace gantry::faces
