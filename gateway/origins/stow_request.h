// One STOW-RS request and what came back (PS3.18 10.5). Runs on the loop; the body of the answer is
// bounded; nothing is decided here.
#pragma once

#include "gateway/origins/stow_body.h"
#include "mapping/stow_outcome.h"
#include "web/client.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace gantry {

/// How a request went, as far as that can be told from outside.
struct StowAnswer {
    enum class Kind : std::uint8_t {
        answered,    // status, and report where there was a readable one
        unreachable, // nothing was sent
        interrupted, // the request was not sent whole: the server cannot have taken it for complete
        unknown      // it was sent whole, and there is no answer that can be used
    };

    Kind kind = Kind::answered;
    std::uint16_t status = 0;
    std::optional<mapping::StowReport> report;
    std::optional<std::chrono::seconds> retry_after;
    std::string reason;       // where it was not answered
    bool certificate = false; // unreachable: the server's certificate was not accepted
    bool timed_out = false;   // not answered: by silence, not by a broken connection
};

/// Sends `body` to {base}/studies and reads the answer, at most `limit` of it.
asio::awaitable<StowAnswer>
post_instances(web::Client& client, StowBody& body, Bytes limit, Bytes expect_continue_above);

} // namespace gantry
