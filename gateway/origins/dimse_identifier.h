// The Identifier of a C-GET or C-MOVE of ours (PS3.4 C.4.2.1.4): unique keys and the level, nothing
// else. Pure.
#pragma once

#include "gateway/origins/dimse_plan.h"

#include <memory>

class DcmDataset;

namespace gantry {

std::shared_ptr<const DcmDataset> retrieve_identifier(const DimseJob& job);

} // namespace gantry
