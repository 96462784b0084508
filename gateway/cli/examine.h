// The examinations of `gantry doctor`. None changes anything or shows patient data; the only
// instance that is stored anywhere is the one that examine_workstation() has moved to a peer.
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

/// What the peer would see if it queried and retrieved here: associates with this gantry, which
/// must be running, under the peer's title, finds one study, series and image, and has that moved
/// to the peer (PS3.4 annex C). Nothing where no route gives it that. False where nothing could be
/// moved.
asio::awaitable<bool> examine_workstation(
    const Config& config, const config::Peer& peer, Findings& findings, WorkerPool& pool
);

/// Credentials, reachability and TLS, QIDO-RS, and a STOW-RS request that cannot store anything.
/// What it offers of QIDO-RS and WADO-RS goes to `profile`.
asio::awaitable<bool>
examine_web(const config::Origin& origin, Findings& findings, OriginProfile& profile);

/// What an archive over DIMSE gives (PS3.4 annex C): the query/retrieve classes that it accepts
/// from us, a find at each level, and one image by C-GET, which is forgotten. C-MOVE is negotiated
/// only. False where it gives nothing.
asio::awaitable<bool> examine_pacs(
    const Config& config,
    const config::Origin& origin,
    const config::Peer& peer,
    Findings& findings,
    WorkerPool& pool
);

/// The storage classes that are tried.
std::vector<Uid> usual_storage_classes();

/// Folder and space.
void examine_local(const Config& config, Findings& findings);

} // namespace gantry::cli
