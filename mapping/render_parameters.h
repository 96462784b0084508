// The query of a request for pictures: of WADO-RS (PS3.18 8.3.5) and of WADO-URI (9.1.2). Pure; any
// thread.
#pragma once

#include "mapping/render.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::mapping {

enum class RenderResource : std::uint8_t { rendered, thumbnail, uri };

using QueryPair = std::pair<std::string, std::string>; // name and value, percent-decoded

struct RenderParameters {
    RenderOptions options;
    std::optional<unsigned> quality;             // 1 to 100
    std::optional<std::uint32_t> frame;          // WADO-URI's frameNumber
    std::optional<std::string> presentation;     // WADO-URI's presentationUID
    bool colour_profile = false;                 // one was asked for; none is ever put in
    std::vector<std::string> ignored_annotation; // keywords of what is not drawn
};

/// Reads what it knows and passes over the rest. Errc::malformed (HTTP 400), with a detail that a
/// client may see: a value that breaks its rule, a parameter twice, one without the other that it
/// needs.
Result<RenderParameters>
read_render_parameters(RenderResource resource, std::span<const QueryPair> query);

/// "center,width,function" (PS3.18 8.3.5.1.4).
Result<VoiWindow> parse_window(std::string_view text);

/// "vw,vh,sx,sy,sw,sh" (PS3.18 8.3.5.1.3), from the third on optional; of a thumbnail the first two
/// only.
Result<void> parse_viewport(std::string_view text, bool thumbnail, RenderOptions& into);

/// "xmin,ymin,xmax,ymax" (PS3.18 9.1.2.2.6).
Result<FractionRegion> parse_region(std::string_view text);

} // namespace gantry::mapping
