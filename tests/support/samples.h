// Where the awkward real DICOM files are that some tests read. They are not part of the repository.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace gantry::tests {

/// The folder named by GANTRY_SAMPLES, else ../shared/data/dicom beside the sources; nothing where
/// there is none: the case then says so with skip().
inline std::optional<std::filesystem::path> samples_folder()
{
    const char* named =
        std::getenv("GANTRY_SAMPLES"); // NOLINT(concurrency-mt-unsafe): nobody sets the environment
    const std::filesystem::path folder =
        named != nullptr ? named : GANTRY_SOURCE_DIR "/../shared/data/dicom";
    if (!std::filesystem::is_directory(folder))
        return std::nullopt;
    return folder;
}

} // namespace gantry::tests
