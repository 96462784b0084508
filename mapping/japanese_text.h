// Japanese text by code extensions (PS3.5 6.1.2.5 and annex H): what DCMTK cannot convert where it
// stands on the C library's iconv. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gantry::mapping {

/// Whether a Specific Character Set (0008,0005) is one for japanese_to_utf8(): with ISO 2022 IR 87
/// (JIS X 0208) or ISO 2022 IR 159 (JIS X 0212).
bool is_japanese(std::string_view character_set);

/// `raw`, with its escape sequences: ASCII, JIS X 0201 (katakana in G1 too), JIS X 0208, JIS X
/// 0212. Nothing where it is not of these.
std::optional<std::string> japanese_to_utf8(std::string_view raw);

} // namespace gantry::mapping
