// Asks an archive by C-FIND at IMAGE level which instances it has (PS3.4 C.4.1, C.6.2.1). Loop;
// holds one answer at a time.
#pragma once

#include "gateway/origins/expected_instances.h"

#include <vector>

namespace gantry {

/// For each, in order: there, in its study and series, and of its class as far as the archive says.
/// One question for each series. An error: one of them could not be asked.
asio::awaitable<Result<std::vector<bool>>>
verify_by_find(AskFind find, std::vector<InstanceKey> instances);

} // namespace gantry
