// WADO-RS bulk data (PS3.18 10.4.1.1.4): the values that metadata name by a BulkDataURI, byte for
// byte. Runs on the loop.
#pragma once

#include "gateway/faces/web_frames.h"

namespace gantry::faces {

class BulkService {
public:
    /// All outlive it.
    BulkService(
        const WebFaceOptions& options,
        WebPools pools,
        const InstanceDesk& desk,
        const FrameService& frames
    );

    /// GET .../instances/{instance}/bulkdata/{path}: a tag, or tags and item numbers by turns.
    asio::awaitable<void> bulk_data(const web::Request& request, web::Response& response) const;

private:
    const WebFaceOptions& options_;
    WebPools pools_;
    const InstanceDesk& desk_;
    const FrameService& frames_;
};

} // namespace gantry::faces
