// Opens the TCP connection to a peer. Runs on a worker thread; ends within its deadline or on stop,
// but for the resolver, whose own deadline (resolv.conf) holds.
#pragma once

#include "dimse/connection.h"
#include "dimse/error.h"
#include "dimse/options.h"

#include <chrono>

namespace gantry::dimse {

/// Tries the addresses of the host in turn, IPv6 and IPv4, until `timeout` is over. The socket is
/// non-blocking, without Nagle, with keep-alive. Errors: not_resolved, not_connected, timeout,
/// stopped.
Result<FileDescriptor>
dial(const PeerAddress& peer, std::chrono::milliseconds timeout, const StopSignal& stop);

} // namespace gantry::dimse
