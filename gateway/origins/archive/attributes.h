// What the index keeps of an instance: the attributes that can be asked for, by level, in UTF-8.
// Reads no further into a file than it must and never a large value. Blocking; any thread.
#pragma once

#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/sop_reference.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

class DcmDataset;

namespace gantry::archive {

struct Attributes {
    std::string patient_id;
    std::string accession_number;
    std::string study_date; // YYYYMMDD, or empty
    std::string study_time; // HHMMSS..., or empty
    std::string modality;
    std::int64_t series_number = 0;
    std::int64_t instance_number = 0;
    std::string study; // encoded data sets
    std::string series;
    std::string instance;
};

/// Of the data set that begins at `offset`, known to be well-formed. A value that cannot be read is
/// left out; the UIDs are those of `key`.
Result<Attributes>
read_attributes(const std::filesystem::path& file, std::uint64_t offset, const InstanceKey& key);

/// The UIDs of a file of the archive, for rebuilding the index.
Result<InstanceKey>
read_key(const std::filesystem::path& file, std::uint64_t offset, const Uid& transfer_syntax);

/// Explicit VR Little Endian.
std::string encode(DcmDataset& attributes);
std::unique_ptr<DcmDataset> decode(std::string_view blob);

} // namespace gantry::archive
