// WADO-RS rendered and thumbnail resources (PS3.18 8.3.5, 10.4.1.1.3), and what WADO-URI renders
// (9.1): pictures of images, text of reports and documents. Runs on the loop; decoding, rendering
// and encoding on the transcoders.
#pragma once

#include "gateway/faces/web_common.h"
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
    std::optional<unsigned> quality; // 1 to 100
    std::string accept;              // the header, or the parameter in its place; empty: anything
    std::string warning;             // Warning 299: what was asked for and is not done
};

class RenderedService {
public:
    /// All outlive it.
    RenderedService(const WebFaceOptions& options, const WebTargets& targets, WebPools pools);
    ~RenderedService();
    RenderedService(const RenderedService&) = delete;
    RenderedService& operator=(const RenderedService&) = delete;

    /// GET .../rendered and .../thumbnail, as far as the route names UIDs and frames.
    asio::awaitable<void> rendered(const web::Request& request, web::Response& response) const;
    asio::awaitable<void> thumbnail(const web::Request& request, web::Response& response) const;

    /// A question that is read already: WADO-URI's. `request` is looked at for If-None-Match and
    /// its method only.
    asio::awaitable<void>
    answer(RenderQuestion question, const web::Request& request, web::Response& response) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace gantry::faces
