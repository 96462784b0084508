// A data set as DCMTK reads it, out of bytes that can be read at any place: small values at once,
// large ones when they are asked for. For threads that may block; one data set in one thread.
#pragma once

#include "mapping/error.h"
#include "mapping/vocabulary/random_access.h"

#include <cstdint>
#include <memory>
#include <string_view>

class DcmDataset;

namespace gantry::mapping {

struct DataSetAccess {
    std::uint32_t max_value = 4096; // bytes; a longer value stays where it is
    Bytes most{16ULL << 20U};       // read in all, without values that stay
};

/// Pixels are never read. Values that stay where they are read `bytes` when they are touched, and
/// keep it alive. Any syntax but a deflated one (Errc::unsupported). Errc::malformed,
/// Errc::too_large.
Result<std::unique_ptr<DcmDataset>> read_data_set(
    std::shared_ptr<const RandomAccess> bytes,
    std::string_view transfer_syntax,
    const DataSetAccess& how = {}
);

} // namespace gantry::mapping
