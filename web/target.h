// The target of a request (RFC 9112 3.2), taken apart and decoded exactly once. Pure.
#pragma once

#include "mapping/vocabulary/result.h"
#include "web/message.h"

#include <optional>
#include <string>
#include <string_view>

namespace gantry::web {

struct Target {
    std::string path;  // percent-decoded; "*" for the server as a whole
    std::string query; // as received, without '?'
};

/// Takes origin-form and absolute-form. Error malformed: bad percent encoding, a control character
/// or an encoded '/' in the path, a ".." segment, anything that is not ASCII.
Result<Target> parse_target(std::string_view text);

/// Percent-decodes once ('+' stays). Error malformed: bad encoding, an encoded NUL, CR or LF.
Result<std::string> percent_decoded(std::string_view text);

/// Empty where the method is not one of ours (names have case, RFC 9110 9.1).
std::optional<Method> parse_method(std::string_view name);

} // namespace gantry::web
