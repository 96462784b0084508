// Finds the DICOM files that `gantry send` was given, and says what is in each.
#pragma once

#include "dimse/requestor.h"
#include "mapping/vocabulary/result.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace gantry::cli {

struct Candidates {
    std::vector<dimse::InstanceToSend> instances;
    std::vector<std::pair<std::filesystem::path, std::string>> refused; // named, but not DICOM
    std::size_t skipped = 0; // found in a folder, not DICOM
};

/// Folders are searched with all below them. Fails where a path is not there.
Result<Candidates> find_candidates(const std::vector<std::string>& paths);

/// Parts that one association can carry: at most 128 pairs of class and syntax (PS3.8 9.3.2.2).
std::vector<std::vector<dimse::InstanceToSend>>
split_by_contexts(std::vector<dimse::InstanceToSend> instances);

} // namespace gantry::cli
