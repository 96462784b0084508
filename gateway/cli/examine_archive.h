// What an archive offers of QIDO-RS and WADO-RS, what it ignores, and how it pages: asked with
// searches that find nothing or one thing, and one image. Runs on the loop; stores nothing, shows
// no patient data.
#pragma once

#include "gateway/cli/findings.h"
#include "gateway/loop/asio.h"
#include "gateway/origins/origin_profile.h"
#include "mapping/vocabulary/sop_reference.h"
#include "web/client.h"

#include <optional>

namespace gantry::cli {

// References name what the caller keeps until the coroutine has ended.

/// QIDO-RS at each level (PS3.18 10.6): resources, paging, keys. Fills profile.search. Some
/// instance, where there is one, to try the retrieval with.
asio::awaitable<std::optional<InstanceKey>>
examine_search(web::Client& client, Findings& findings, OriginProfile& profile);

/// WADO-RS of one instance (PS3.18 10.4): media types and transfer syntaxes. Fills
/// profile.retrieve.
asio::awaitable<void> examine_retrieve(
    web::Client& client, InstanceKey instance, Findings& findings, OriginProfile& profile
);

} // namespace gantry::cli
