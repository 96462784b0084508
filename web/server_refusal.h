// What the server says of requests that reach no handler, or whose handler says nothing. Internal
// to web/. Pure.
#pragma once

#include "mapping/vocabulary/result.h"
#include "web/message.h"
#include "web/message_reader.h"

#include <cstdint>
#include <string>
#include <vector>

namespace gantry::web {

/// The status for a head that could not be taken (RFC 9112 3, RFC 6585 5); 0 where nobody is there
/// to be told.
std::uint16_t refusal_of_head(HeadFault fault, const Error& reason);

/// The same for a body that a handler could not read to its end and said nothing about.
std::uint16_t refusal_of_body(const Error& failure);

/// The value of Allow: HEAD with GET, OPTIONS always.
std::string allow_field(const std::vector<Method>& methods);

/// A response of the server itself (RFC 9457): its body names the status and nothing else.
ResponseHead problem_head(std::uint16_t status);
std::string problem_body(std::uint16_t status);

} // namespace gantry::web
