// What is known of an association and its negotiation (PS3.8 7.1, PS3.7 annex D).
#pragma once

#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/uid.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry::dimse {

/// The head of an A-ASSOCIATE-RQ, before anything is negotiated (PS3.8 9.3.2).
struct AssociationRequest {
    AeTitle calling;
    AeTitle called;
    std::string peer_address; // numeric IP
};

struct AssociationInfo {
    std::uint64_t id = 0; // unique in this process; stands in every log line as assoc=
    AeTitle calling;
    AeTitle called;
    std::string peer_address;
    std::string implementation_version; // 55H of the peer, may be empty
};

/// A-ASSOCIATE-RJ (PS3.8 9.3.4): each value has one result, source and reason.
enum class Refusal : std::uint8_t {
    called_ae_not_recognised,  // 1 / 1 / 7
    calling_ae_not_recognised, // 1 / 1 / 3
    application_context_name,  // 1 / 1 / 2
    protocol_version,          // 1 / 2 / 2
    temporary_congestion,      // 2 / 3 / 1: disk full, shutting down
    local_limit_exceeded,      // 2 / 3 / 2: too many associations
};

const char* to_string(Refusal refusal) noexcept;

/// One presentation context as proposed (PS3.8 9.3.2.2).
struct ProposedContext {
    std::uint8_t id = 0; // odd
    Uid abstract_syntax;
    std::vector<Uid> transfer_syntaxes; // in the peer's order
    bool scp_role = false;              // requestor proposes to be SCP of the class (PS3.7 D.3.3.4)
    bool scu_role = true;
};

/// Answer to one context. Refused where `transfer_syntax` is empty.
struct ContextAnswer {
    enum class Reason : std::uint8_t { // PS3.8 table 9-18
        accepted = 0,
        user_rejection = 1,
        no_reason = 2,
        abstract_syntax_not_supported = 3,
        transfer_syntaxes_not_supported = 4
    };

    Reason reason = Reason::abstract_syntax_not_supported;
    std::optional<Uid> transfer_syntax;
    bool accept_scp_role = false; // let the requestor be SCP (C-GET, PS3.7 D.3.3.4)
    bool accept_scu_role = true;  // let it be SCU, as it is where nobody negotiates
};

} // namespace gantry::dimse
