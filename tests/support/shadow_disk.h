// What is left of a folder after a power cut, rebuilt from what the fault shim kept of it. For one
// thread.
#pragma once

#include <filesystem>
#include <optional>

namespace gantry::tests {

/// Builds `target` from `store`: each file as of its last flush, each folder's names as of its own
/// last flush. With a `seed` the disk has written more than it was told to: of every page, size and
/// name that `folder` (as it was left) has since changed, chance decides which of the two is there.
void rebuild_after_power_cut(
    const std::filesystem::path& folder,
    const std::filesystem::path& store,
    const std::filesystem::path& target,
    std::optional<unsigned> seed
);

} // namespace gantry::tests
