// Media types with parameters (RFC 9110 8.3.1), as in Content-Type. Pure.
#pragma once

#include "mapping/vocabulary/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::web {

struct MediaType {
    std::string type;                                            // lower case: "multipart/related"
    std::vector<std::pair<std::string, std::string>> parameters; // names in lower case, unquoted

    /// The first parameter of that (lower case) name, empty where there is none.
    std::string_view parameter(std::string_view name) const noexcept;
};

/// Parses one media type; the error is malformed. Quotes, spaces around ';' and '=' and an empty
/// parameter are taken.
Result<MediaType> parse_media_type(std::string_view text);

} // namespace gantry::web
