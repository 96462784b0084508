// A DIMSE status (0000,0900) with what may go with it (PS3.7 annex C). No status is invented: they
// come from tables.
#pragma once

#include "mapping/vocabulary/tag.h"

#include <cstdint>
#include <optional>
#include <string>

namespace gantry {

enum class StatusClass : std::uint8_t { success, warning, failure, cancel, pending };

struct DimseStatus {
    std::uint16_t code = 0;
    std::string
        comment; // Error Comment (0000,0902), LO: 64 characters at the most, no patient data
    std::optional<Tag> offending = {}; // Offending Element (0000,0901)

    friend bool operator==(const DimseStatus&, const DimseStatus&) = default;
};

/// PS3.7 C: classifies by range, so that codes nobody listed are still told apart.
constexpr StatusClass status_class(std::uint16_t code)
{
    if (code == 0x0000)
        return StatusClass::success;
    if (code == 0xfe00)
        return StatusClass::cancel;
    if (code == 0xff00 || code == 0xff01)
        return StatusClass::pending;
    if (code == 0x0001 || code == 0x0107 || code == 0x0116 || (code & 0xf000U) == 0xb000)
        return StatusClass::warning;
    return StatusClass::failure;
}

namespace status {

inline constexpr std::uint16_t success = 0x0000;
inline constexpr std::uint16_t cancelled = 0xfe00; // PS3.4 C.4.1.1.4
inline constexpr std::uint16_t pending = 0xff00;
inline constexpr std::uint16_t processing_failure = 0x0110;        // PS3.7 C.5.7
inline constexpr std::uint16_t duplicate_sop_instance = 0x0111;    // PS3.7 C.5.5
inline constexpr std::uint16_t invalid_sop_instance = 0x0117;      // PS3.7 C.5.11
inline constexpr std::uint16_t sop_class_not_supported = 0x0122;   // PS3.7 C.5.6
inline constexpr std::uint16_t not_authorised = 0x0124;            // PS3.7 C.5.22
inline constexpr std::uint16_t duplicate_invocation = 0x0210;      // PS3.7 C.5.14
inline constexpr std::uint16_t unrecognised_operation = 0x0211;    // PS3.7 C.5.15
inline constexpr std::uint16_t mistyped_argument = 0x0212;         // PS3.7 C.5.16
inline constexpr std::uint16_t out_of_resources = 0xa700;          // PS3.4 B.2.3
inline constexpr std::uint16_t move_destination_unknown = 0xa801;  // PS3.4 C.4.2.1.5
inline constexpr std::uint16_t data_set_mismatch = 0xa900;         // PS3.4 B.2.3
inline constexpr std::uint16_t cannot_understand = 0xc000;         // PS3.4 B.2.3
inline constexpr std::uint16_t syntax_not_supported = 0xc122;      // PS3.18 table I.2-2
inline constexpr std::uint16_t coercion = 0xb000;                  // PS3.4 B.2.3
inline constexpr std::uint16_t elements_discarded = 0xb006;        // PS3.4 B.2.3
inline constexpr std::uint16_t data_set_mismatch_warning = 0xb007; // PS3.4 B.2.3

} // namespace status

} // namespace gantry
