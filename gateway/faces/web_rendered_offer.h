// Which rendered media type leaves (PS3.18 8.7.4): what there is, what the client takes, and
// whether that stands alone or in parts. Pure.
#pragma once

#include "mapping/vocabulary/uid.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gantry::faces {

/// What can be made of an object.
enum class Material : std::uint8_t {
    picture,  // an image, or one frame of it
    pictures, // all frames of one
    video,    // as it is stored
    report,   // a content tree
    document, // as it is encapsulated
    presentation,
    nothing
};

/// As far as its SOP class says: what is no picture by its class. Nothing: an image, or what this
/// program does not know.
std::optional<Material> material_of(const Uid& sop_class);

struct RenderedType {
    std::string media; // "image/jpeg"
    bool multipart = false;
};

/// Types of images, best first.
std::span<const std::string_view> picture_types();

/// An Accept header that names DICOM's own media types beside rendered ones: 400 (PS3.18 8.7.4).
bool mixes_types(std::string_view accept);

/// `offers` best first. `plural`: there are several parts, whatever the client would like; a client
/// that names a type without multipart takes it in parts then. Nothing: 406. An empty `accept`
/// takes the first.
std::optional<RenderedType>
choose_rendered(std::span<const std::string_view> offers, bool plural, std::string_view accept);

} // namespace gantry::faces
