// WADO-RS (PS3.18 10.4): instances as DICOM files, streamed as the origin gives them. Runs on the
// loop; re-encoding on a worker.
#pragma once

#include "gateway/faces/web_common.h"

namespace gantry::faces {

class RetrieveService {
public:
    /// All outlive it.
    RetrieveService(const WebFaceOptions& options, const WebTargets& targets, WorkerPool& disk);

    /// GET /studies/{study} and below, as far as the route names UIDs.
    asio::awaitable<void> retrieve(const web::Request& request, web::Response& response) const;

private:
    const WebFaceOptions& options_;
    const WebTargets& targets_;
    WorkerPool& disk_;
};

} // namespace gantry::faces
