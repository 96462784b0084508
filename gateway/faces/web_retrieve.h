// WADO-RS (PS3.18 10.4): instances as DICOM files, as they are stored or as the client takes them,
// streamed as the origin gives them. Runs on the loop; re-encodes on the disk pool, transcodes on
// the transcoders.
#pragma once

#include "gateway/faces/web_common.h"

namespace gantry::faces {

class RetrieveService {
public:
    /// All outlive it.
    RetrieveService(const WebFaceOptions& options, const WebTargets& targets, WebPools pools);

    /// GET /studies/{study} and below, as far as the route names UIDs.
    asio::awaitable<void> retrieve(const web::Request& request, web::Response& response) const;

    /// What a question covers, as `accept` says.
    asio::awaitable<void> send(
        RetrieveQuestion question,
        std::string accept,
        const web::Request& request,
        web::Response& response
    ) const;

private:
    const WebFaceOptions& options_;
    const WebTargets& targets_;
    WebPools pools_;
};

} // namespace gantry::faces
