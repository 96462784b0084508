// STOW-RS (PS3.18 10.5): what a client posts goes part by part to the intake, and is answered
// instance by instance. Runs on the loop; parts are taken on a worker.
#pragma once

#include "gateway/faces/web_common.h"

namespace gantry::faces {

class StoreService {
public:
    /// All outlive it.
    StoreService(const WebFaceOptions& options, const WebTargets& targets, WorkerPool& disk);

    /// POST /studies and /studies/{study}.
    asio::awaitable<void>
    store(const web::Request& request, web::RequestBody& body, web::Response& response) const;

private:
    const WebFaceOptions& options_;
    const WebTargets& targets_;
    WorkerPool& disk_;
};

} // namespace gantry::faces
