// Transfer syntaxes (PS3.5 section 10, PS3.6 annex A): how the bytes of a data set are encoded.
#pragma once

#include "mapping/vocabulary/uid.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace gantry {

enum class Encoding : std::uint8_t { implicit_le, explicit_le, explicit_be, deflated_explicit_le };

struct TransferSyntax {
    std::string_view uid;
    std::string_view name;
    Encoding encoding;
    bool encapsulated; // pixel data in fragments (PS3.5 A.4)
    bool web_allowed; // may stand in a DICOMweb request or response (PS3.18 8.7.3.5): not implicit,
                      // big endian or deflated

    /// All that are known, for tables and for proposing.
    static std::span<const TransferSyntax> all();

    /// The entry of a UID. One that is not known (newer than this program, or private) is taken as
    /// encapsulated Explicit VR Little Endian, as every syntax since 1993 has been (PS3.5 A.4); its
    /// `uid` and `name` are empty.
    static const TransferSyntax& of(std::string_view uid);
};

namespace transfer_syntax {

inline constexpr std::string_view implicit_le = "1.2.840.10008.1.2";
inline constexpr std::string_view explicit_le = "1.2.840.10008.1.2.1";
inline constexpr std::string_view explicit_be = "1.2.840.10008.1.2.2";
inline constexpr std::string_view deflated = "1.2.840.10008.1.2.1.99";

} // namespace transfer_syntax

} // namespace gantry
