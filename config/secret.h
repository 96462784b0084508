// Files that the configuration names: secrets (passwords, tokens, keys) and certificates.
#pragma once

#include "mapping/vocabulary/result.h"

#include <filesystem>
#include <string>

namespace gantry::config {

/// A regular file that this process can read. The error's detail is a sentence for people.
Result<void> check_file(const std::filesystem::path& path);

/// As check_file, and nobody but its owner and group can read or write it.
Result<void> check_secret_file(const std::filesystem::path& path);

/// The secret in a file: its first line, without white space around it; at most 16 KiB, not empty.
/// Read at each use, so that a secret can be changed under a running service.
Result<std::string> read_secret(const std::filesystem::path& path);

} // namespace gantry::config
