// Free space as last measured, less what was written since: asked before every instance, so it must
// not cost a system call each time. Any thread.
#pragma once

#include "gateway/custody/file.h"
#include "gateway/loop/clock.h"
#include "mapping/vocabulary/bytes.h"

#include <cstdint>
#include <mutex>
#include <optional>

namespace gantry::custody {

class SpoolSpace {
public:
    SpoolSpace(const Fd& folder, const Clock& clock) : folder_(folder), clock_(clock) {}

    /// Measured at most a second ago. 0 where the file system does not say.
    Bytes free() const;
    void spent(std::uint64_t bytes);

private:
    const Fd& folder_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    mutable std::optional<SteadyTime> measured_;
    mutable std::uint64_t free_ = 0;
};

} // namespace gantry::custody
