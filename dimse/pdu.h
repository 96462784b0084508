// The small PDUs of the upper layer (PS3.8 9.3) and the codes in them. Pure; any thread.
#pragma once

#include "dimse/association.h"
#include "dimse/wire.h"

#include <array>
#include <cstdint>
#include <string>

namespace gantry::dimse::pdu {

enum class Type : std::uint8_t {
    associate_rq = 0x01,
    associate_ac = 0x02,
    associate_rj = 0x03,
    p_data_tf = 0x04,
    release_rq = 0x05,
    release_rp = 0x06,
    abort = 0x07
};

/// Every PDU starts with type, reserved byte and length of the rest.
inline constexpr std::size_t head_size = 6;

/// Length, context id and message control header of a PDV item (PS3.8 9.3.5.1, E.2).
inline constexpr std::size_t pdv_head_size = 6;

/// We take no longer A-ASSOCIATE PDU: admits 128 contexts with 50 transfer syntaxes of the longest
/// UIDs.
inline constexpr std::uint32_t max_associate_size = 512U << 10U;

/// A-ABORT reasons of the service provider (PS3.8 9.3.8).
enum class AbortReason : std::uint8_t {
    not_specified = 0,
    unrecognised_pdu = 1,
    unexpected_pdu = 2,
    unrecognised_parameter = 4,
    unexpected_parameter = 5,
    invalid_parameter_value = 6
};

using Small = std::array<std::byte, 10>;

Small release_request();
Small release_response();
/// Source 0: we have had enough (idle, stopping).
Small user_abort();
/// Source 2: the peer broke the protocol.
Small provider_abort(AbortReason reason);
Small reject(Refusal refusal);

struct Rejection {
    std::uint8_t result = 0;
    std::uint8_t source = 0;
    std::uint8_t reason = 0;

    /// "rejected permanent, called AE title not recognised (1/1/7)" (PS3.8 table 9-21).
    std::string text() const;
};

} // namespace gantry::dimse::pdu
