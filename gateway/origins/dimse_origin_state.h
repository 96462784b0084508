// What a DIMSE origin is made of and has learned. Internal to it. Loop.
#pragma once

#include "gateway/origins/dimse_find.h"
#include "gateway/origins/dimse_origin.h"
#include "gateway/origins/dimse_retrieve.h"

#include <string>

namespace gantry {

struct DimseOrigin::State {
    std::string name;
    DimseOriginOptions options;
    Means means;
    DimseFindMemory find = {};         // what the PACS has shown of itself in queries
    DimseRetrieveMemory retrieve = {}; // and in retrieves
};

} // namespace gantry
