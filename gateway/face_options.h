// From the configuration to what each face is told. Pure.
#pragma once

#include "config/config.h"
#include "gateway/faces/dimse_face.h"
#include "gateway/faces/dimse_find.h"
#include "gateway/faces/dimse_retrieve.h"
#include "gateway/origins/cached_origin.h"

#include <string>
#include <vector>

namespace gantry {

/// Every origin that something is stored to, once.
std::vector<std::string> store_destinations(const Config& config);

faces::DimseFaceOptions face_options(const Config& config);
faces::FindServiceOptions find_options(const Config& config);
faces::RetrievalOptions retrieval_options(const Config& config);
CacheOptions cache_options(const Config& config);
/// As which we open associations.
dimse::RequestorOptions requestor_options(const Config& config);

/// What the configuration asks for and this release does not do. Not empty: it is not started,
/// since an image would stay behind.
std::vector<std::string> not_offered(const Config& config);

} // namespace gantry
