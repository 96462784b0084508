// WADO-RS frames and pixel data (PS3.18 10.4.1.1.6, 10.4.1.1.5): one by one as they are stored,
// decoded, or encoded as the client takes them. Runs on the loop.
#pragma once

#include "gateway/faces/web_instance.h"

#include <string>

namespace gantry::faces {

class FrameService {
public:
    /// All outlive it.
    FrameService(const WebFaceOptions& options, WebPools pools, const InstanceDesk& desk);

    /// GET .../instances/{instance}/frames/{frames}.
    asio::awaitable<void> frames(const web::Request& request, web::Response& response) const;

    /// GET .../instances/{instance}/pixeldata, and the bulk data that is its pixels: not compressed
    /// all in one part, else frame by frame.
    asio::awaitable<void> pixel_data(const web::Request& request, web::Response& response) const;

    /// The same of an instance that is open. `location`: how it was asked for.
    asio::awaitable<void> send_pixels(
        OpenInstance instance,
        std::string location,
        const web::Request& request,
        web::Response& response
    ) const;

private:
    const WebFaceOptions& options_;
    WebPools pools_;
    const InstanceDesk& desk_;
};

/// The instance that the route names; Problem 400 where a UID is none.
Answer<InstanceKey> instance_of_route(const web::Request& request);

} // namespace gantry::faces
