// The examinations of `gantry doctor`. None stores, changes or asks for patient data.
#pragma once

#include "config/config.h"
#include "gateway/cli/findings.h"
#include "gateway/loop/asio.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/origins/origin_profile.h"

namespace gantry::cli {

// References name what the caller keeps until the coroutine has ended.

/// C-ECHO, then what it accepts of storage (PS3.4 annex A and B).
asio::awaitable<bool>
examine_peer(const Config& config, const config::Peer& peer, Findings& findings, WorkerPool& pool);

/// Credentials, reachability and TLS, QIDO-RS, and a STOW-RS request that cannot store anything.
/// What it offers of QIDO-RS and WADO-RS goes to `profile`.
asio::awaitable<bool>
examine_web(const config::Origin& origin, Findings& findings, OriginProfile& profile);

/// Folder and space.
void examine_local(const Config& config, Findings& findings);

} // namespace gantry::cli
