// The token endpoint's answer (RFC 6749 5). Internal to web/. Pure.
#pragma once

#include "mapping/vocabulary/result.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::web {

struct TokenAnswer {
    std::string access_token;
    std::chrono::seconds expires_in{300}; // where the endpoint does not say
};

/// Errors: no_token; the detail never holds a piece of the answer.
Result<TokenAnswer> parse_token_answer(const std::string& json);

/// When a token is to be replaced: after 80 % of its life, or 60 s before its end where that is
/// later.
std::chrono::seconds renew_after(std::chrono::seconds expires_in);

/// "token endpoint answered 401 (invalid_client)", the reason only where it is one of RFC 6749 5.2.
std::string refusal(std::uint16_t status, const std::string& json);

/// application/x-www-form-urlencoded (RFC 6749 appendix B).
std::string form_encoded(std::string_view text);

} // namespace gantry::web
