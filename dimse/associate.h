// A-ASSOCIATE-RQ and A-ASSOCIATE-AC, read and written (PS3.8 9.3.2, 9.3.3, annex D; PS3.7 annex D).
// Pure; any thread. Input is hostile: nothing is believed that the bytes do not hold.
#pragma once

#include "dimse/association.h"
#include "dimse/pdu.h"
#include "dimse/wire.h"
#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace gantry::dimse {

/// Fixed part of both PDUs, after the PDU head (PS3.8 table 9-11).
struct AssociateHead {
    static constexpr std::size_t size = 68;

    bool version_1 = false;         // bit 0 of the protocol version
    std::optional<AeTitle> called;  // empty: no AE title
    std::optional<AeTitle> calling; // empty: no AE title
};

/// `rest` starts after the PDU head and holds at least AssociateHead::size bytes.
AssociateHead parse_associate_head(ConstBytes rest);

/// SCP/SCU role selection (PS3.7 D.3.3.4).
struct RoleSelection {
    Uid sop_class;
    bool scu = false;
    bool scp = false;
};

/// SOP class extended negotiation (PS3.7 D.3.3.5).
struct ExtendedNegotiation {
    Uid sop_class;
    wire::Buffer information; // service-class-application-information, its meaning by the class
};

struct UserInformation {
    std::uint32_t max_pdu = 16'384; // the peer takes no longer P-DATA-TF; 0: unlimited (PS3.8 D.1)
    std::string implementation_version;
    std::vector<RoleSelection> roles;
    std::vector<ExtendedNegotiation> extended;
};

struct AssociateRequest {
    AeTitle calling;
    AeTitle called;
    bool dicom_application_context = false; // 1.2.840.10008.3.1.1.1 (PS3.7 A.2.1)
    std::vector<ProposedContext> contexts;  // an abstract syntax that is no UID is empty
    UserInformation user;
};

/// Parses what follows the PDU head. The reason is for the A-ABORT: broken item lengths, even or
/// repeated context ids, no context at all.
std::variant<AssociateRequest, pdu::AbortReason> parse_associate_request(ConstBytes rest);

wire::Buffer write_associate_request(const AssociateRequest& request);

/// Answer to one context, with its id.
struct NegotiatedContext {
    std::uint8_t id = 0;
    ContextAnswer::Reason reason = ContextAnswer::Reason::no_reason;
    Uid transfer_syntax; // empty where refused
};

struct AssociateAccept {
    AeTitle calling; // echoed, "shall not be tested" (PS3.8 9.3.3)
    AeTitle called;
    std::vector<NegotiatedContext> contexts;
    UserInformation user;
};

wire::Buffer write_associate_accept(const AssociateAccept& accept);

/// Parses what follows the PDU head.
std::variant<AssociateAccept, pdu::AbortReason> parse_associate_accept(ConstBytes rest);

} // namespace gantry::dimse
