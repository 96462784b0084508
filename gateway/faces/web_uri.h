// WADO-URI (PS3.18 chapter 9): one instance named by a query, as a DICOM file here or as a picture
// by RenderedService. Runs on the loop.
#pragma once

#include "gateway/faces/web_rendered.h"
#include "gateway/faces/web_retrieve.h"

namespace gantry::faces {

class UriService {
public:
    /// All outlive it.
    UriService(
        const WebFaceOptions& options,
        const RetrieveService& retrieve,
        const RenderedService& rendered
    );

    /// GET {root}/wado?requestType=WADO&studyUID=...
    asio::awaitable<void> wado(const web::Request& request, web::Response& response) const;

private:
    const WebFaceOptions& options_;
    const RetrieveService& retrieve_;
    const RenderedService& rendered_;
};

} // namespace gantry::faces
