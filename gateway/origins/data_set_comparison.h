// Are two data sets the same, although their bytes differ? Blocks; belongs on the disk pool. Large
// values are compared piece by piece.
#pragma once

#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/uid.h"

#include <cstdint>
#include <filesystem>

namespace gantry {

struct DataSetFile {
    std::filesystem::path path;
    std::uint64_t offset = 0; // of the data set
    Uid transfer_syntax;
};

/// Compares every attribute by value: not group lengths and padding, which depend on the encoding;
/// not pixel data where it is compressed differently, which only a decoder could compare. Fails
/// where one of them cannot be read.
Result<bool> same_attributes(const DataSetFile& a, const DataSetFile& b);

} // namespace gantry
