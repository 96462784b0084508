// Types of the items in A-ASSOCIATE PDUs (PS3.8 9.3.2, annex D; PS3.7 annex D).
#pragma once

#include <cstdint>
#include <string_view>

namespace gantry::dimse {

/// The DICOM application context name (PS3.7 A.2.1).
inline constexpr std::string_view application_context = "1.2.840.10008.3.1.1.1";

enum Item : std::uint8_t {
    application_context_item = 0x10,
    context_rq_item = 0x20,
    context_ac_item = 0x21,
    abstract_syntax_item = 0x30,
    transfer_syntax_item = 0x40,
    user_information_item = 0x50,
    max_length_item = 0x51,
    implementation_class_item = 0x52,
    role_selection_item = 0x54,
    implementation_version_item = 0x55,
    extended_negotiation_item = 0x56
};

} // namespace gantry::dimse
