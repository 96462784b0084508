// A storage SCP made of DCMTK's network code, which shares nothing with ours: what it understands,
// the world understands. Serves one association at a time on a thread of its own.
#pragma once

#include "support/scripted_peer.h"

#include <cstdint>
#include <filesystem>
#include <thread>
#include <vector>

namespace gantry::tests {

class DcmtkAcceptor {
public:
    /// Serves `associations` associations, then ends. Data sets go to `folder`/<instance UID>, bit
    /// for bit, without a file head.
    DcmtkAcceptor(std::filesystem::path folder, int associations);
    DcmtkAcceptor(const DcmtkAcceptor&) = delete;
    DcmtkAcceptor& operator=(const DcmtkAcceptor&) = delete;

    ~DcmtkAcceptor() { join(); }

    std::uint16_t port() const noexcept { return listener_.port(); }

    /// Waits for the end of the last association.
    void join();

    /// How many ended with a release.
    int released() const noexcept { return released_; }

private:
    void serve(int socket);

    ScriptedListener listener_;
    std::filesystem::path folder_;
    int released_ = 0;
    std::thread thread_;
};

} // namespace gantry::tests
