// Text as a JSON string (RFC 8259 7). Pure.
#pragma once

#include <string>
#include <string_view>

namespace gantry::mapping {

/// Appends `utf8` in quotes, with what must be escaped escaped.
inline void append_json_string(std::string& out, std::string_view utf8)
{
    constexpr char digits[] = "0123456789abcdef";
    out.push_back('"');
    for (const char c : utf8) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte >= 0x20) {
            out.push_back(c);
        } else {
            out += "\\u00";
            out.push_back(digits[byte >> 4U]);
            out.push_back(digits[byte & 0xfU]);
        }
    }
    out.push_back('"');
}

} // namespace gantry::mapping
