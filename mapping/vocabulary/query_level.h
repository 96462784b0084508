// The levels of the query/retrieve information models (PS3.4 C.6).
#pragma once

#include <cstdint>

namespace gantry {

enum class QueryLevel : std::uint8_t { patient, study, series, image };

/// Which hierarchy a DIMSE request was made in (PS3.4 C.6.1 to C.6.3). QIDO-RS is study root.
enum class QueryModel : std::uint8_t { patient_root, study_root, patient_study_only };

} // namespace gantry
