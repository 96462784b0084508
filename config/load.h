// Reads and validates a configuration file: all problems at once, each with its place. Start-up and
// `gantry check`; opens the files that the configuration names, changes nothing.
#pragma once

#include "config/config.h"
#include "config/problem.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::config {

inline constexpr Bytes most_file_size = 1_MiB;

struct LoadReport {
    std::string name;              // of the file, for messages
    Config config;                 // to be used where ok()
    std::vector<Problem> problems; // in the order of the file

    /// Warnings do not stop anything.
    bool ok() const;

    /// One line for each problem: "gantry.yaml:12:5: error: ...".
    std::string text() const;
};

/// A file that is absent, unreadable or larger than 1 MiB is a problem too.
LoadReport load(const std::filesystem::path& path);

LoadReport load_text(std::string_view text, std::string name);

} // namespace gantry::config
