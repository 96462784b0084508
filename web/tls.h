// TLS contexts for both sides. Internal to web/.
#pragma once

#include "web/options.h"

#include <memory>

namespace boost::asio::ssl {
class context; // NOLINT(readability-identifier-naming): Asio's
}

namespace gantry::web {

/// TLS 1.2 or later; the server's certificate is verified against the system's authorities and
/// `files.ca`. Throws std::runtime_error naming the file that cannot be used.
std::shared_ptr<boost::asio::ssl::context> client_tls(const TlsFiles& files);

/// Certificate and key are required; with `files.ca`, clients must show a certificate signed by it.
/// Throws as above.
std::shared_ptr<boost::asio::ssl::context> server_tls(const TlsFiles& files);

} // namespace gantry::web
