// The error category of web/: what can go wrong here, as values.
#pragma once

#include "mapping/vocabulary/result.h"

#include <string>
#include <type_traits>

namespace gantry::web {

enum class Errc {
    malformed = 1, // the other side sent what its protocol forbids
    timeout,       // silence longer than the deadline
    cut_off,       // the connection or the body ended before its end
    too_large,     // above a configured limit
    unsupported,   // understood, and not provided here
    unresolved,    // the host name has no address
    unreachable,   // no address took the connection
    proxy_refused, // the proxy did not open the way
    tls_failed,    // the handshake failed for another reason than the certificate
    certificate,   // the peer's certificate was not accepted
    no_token,      // credentials could not be had: a file or the token endpoint
    bad_source,    // a body's producer failed, or gave another length than it had promised
};

const boost::system::error_category& category() noexcept;

inline boost::system::error_code make_error_code(Errc code) noexcept
{
    return {static_cast<int>(code), category()};
}

inline Error error(Errc code, std::string detail = {})
{
    return {make_error_code(code), std::move(detail)};
}

} // namespace gantry::web

template <>
struct boost::system::is_error_code_enum<gantry::web::Errc> : std::true_type {};
