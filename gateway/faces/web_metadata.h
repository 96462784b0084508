// WADO-RS metadata (PS3.18 10.4.1.1.2): what instances say of themselves, as DICOM JSON or as XML,
// without what is large: that is named by a BulkDataURI. Runs on the loop; reads and writes text on
// the disk pool, several instances at once, in the order in which the origin gives them.
#pragma once

#include "gateway/faces/web_common.h"

namespace gantry::faces {

class MetadataService {
public:
    /// All outlive it.
    MetadataService(const WebFaceOptions& options, const WebTargets& targets, WebPools pools);

    /// GET /studies/{study}/metadata and below, as far as the route names UIDs.
    asio::awaitable<void> metadata(const web::Request& request, web::Response& response) const;

private:
    const WebFaceOptions& options_;
    const WebTargets& targets_;
    WebPools pools_;
};

/// Where a value can be fetched by itself: ".../bulkdata/00540016/0/00181072". `path` is as
/// mapping::BulkValue has it.
std::string bulk_data_url(const std::string& instance_url, std::string_view path);

} // namespace gantry::faces
