// WADO-RS rendered and thumbnail resources (PS3.18 8.3.5, 10.4.1.1.3), and what WADO-URI renders
// (9.1): pictures of images, text of reports and documents. Runs on the loop; decoding, rendering
// and encoding on the transcoders.
#pragma once

#include "gateway/faces/web_instance.h"
#include "mapping/render.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::faces {

/// What of the stored is to be drawn, and how: a request that has been read.
struct RenderQuestion {
    enum class Resource : std::uint8_t { rendered, thumbnail };

    Resource resource = Resource::rendered;
    Uid study;
    std::optional<Uid> series;
    std::optional<Uid> instance;
    std::vector<std::uint32_t> frames; // ascending from 1; empty: all (of a thumbnail: one)
    mapping::RenderOptions options;
    std::optional<unsigned> quality;   // 1 to 100
    std::string accept;                // the header, or the parameter in its place; empty: anything
    bool colour_profile = false;       // is to stand in the picture
    std::vector<std::string> warnings; // Warning 299: what was asked for and is not done
};

class RenderedService {
public:
    /// All outlive it.
    RenderedService(
        const WebFaceOptions& options,
        const WebTargets& targets,
        WebPools pools,
        const InstanceDesk& desk
    );
    ~RenderedService();
    RenderedService(const RenderedService&) = delete;
    RenderedService& operator=(const RenderedService&) = delete;

    /// GET .../rendered and .../thumbnail, as far as the route names UIDs and frames.
    asio::awaitable<void> rendered(const web::Request& request, web::Response& response) const;
    asio::awaitable<void> thumbnail(const web::Request& request, web::Response& response) const;

    /// WADO-URI's (PS3.18 9.1): one instance, by the parameters of its query. `accept`:
    /// contentType, or the Accept header where it has none.
    asio::awaitable<void>
    uri(InstanceKey which, std::string accept, const web::Request& request, web::Response& response
    ) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::faces
