// Who we say we are: in file meta information (PS3.10 7.1) and in association negotiation
// (PS3.7 D.3.3.2). A receiver may key its quirks on these: they change with the implementation
// only.
#pragma once

#include <string_view>

namespace gantry::implementation {

/// UUID-derived (PS3.5 B.2), of the UUID d0d6dc43-e1e9-4f3f-9c79-896d361e2374.
inline constexpr std::string_view class_uid = "2.25.277595042159304827665846348566199411572";

/// SH: 16 characters at the most.
inline constexpr std::string_view version_name = "GANTRY_010";

} // namespace gantry::implementation
