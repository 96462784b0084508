// Absolute http and https URLs, as configured and as redirected to. Internal to web/. Pure.
#pragma once

#include "mapping/vocabulary/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::web {

struct Url {
    bool tls = false;
    std::string host; // without brackets
    std::uint16_t port = 80;
    std::string path;      // as written, without a trailing '/'; with the query, if any
    std::string user_info; // "user:password" decoded

    /// "host:port", the port only where it is not the scheme's own: for Host.
    std::string authority() const;
    /// "host:port" always: for CONNECT.
    std::string host_and_port() const;

    bool same_origin(const Url& other) const noexcept
    {
        return tls == other.tls && host == other.host && port == other.port;
    }
};

/// Errors: malformed; the detail names what is wrong, never the user information.
Result<Url> parse_url(std::string_view text);

/// The target (path and query) that `location` names on the origin `base`, seen from `target`; the
/// error is unsupported where it names another origin, malformed where it is no URL.
Result<std::string>
redirect_target(const Url& base, std::string_view target, std::string_view location);

} // namespace gantry::web
