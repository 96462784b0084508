// DCMTK's dcmqrscp over a folder of its own: an archive that shares nothing with ours. Killed by
// the destructor, with the processes that hold its associations.
#pragma once

#include "dimse/options.h"
#include "support/scratch_folder.h"
#include "support/scripted_pacs.h"

#include <cstdint>
#include <sys/types.h>
#include <vector>

namespace gantry::tests {

class DcmtkArchive {
public:
    /// False where dcmqrscp or dcmqridx is not installed.
    static bool available();

    /// Holds `instances` (Explicit VR Little Endian). Moves to GANTRY go to `move_port` here.
    DcmtkArchive(const std::vector<PacsInstance>& instances, std::uint16_t move_port);
    DcmtkArchive(const DcmtkArchive&) = delete;
    DcmtkArchive& operator=(const DcmtkArchive&) = delete;

    ~DcmtkArchive() { stop(); }

    /// Kills it.
    void stop();
    /// Throws where it does not listen in time.
    void start();

    dimse::PeerAddress address() const;

private:
    ScratchFolder folder_;
    std::uint16_t port_;
    pid_t process_ = 0;
};

} // namespace gantry::tests
