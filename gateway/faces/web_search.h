// QIDO-RS (PS3.18 10.6): a query becomes a question to the origin, its matches a JSON array, sent
// as they come. Runs on the loop.
#pragma once

#include "gateway/faces/web_common.h"

namespace gantry::faces {

class SearchService {
public:
    /// Both outlive it.
    SearchService(const WebFaceOptions& options, const WebTargets& targets);

    /// The route says which resource it is: its level, and the UIDs in its path.
    asio::awaitable<void>
    search(QueryLevel level, const web::Request& request, web::Response& response) const;

private:
    const WebFaceOptions& options_;
    const WebTargets& targets_;
};

} // namespace gantry::faces
