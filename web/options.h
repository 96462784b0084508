// What the HTTP server and client can be told.
#pragma once

#include "mapping/vocabulary/bytes.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gantry::web {

using namespace std::chrono_literals;
using namespace gantry::literals;

struct ListenAddress {
    std::string host; // numeric IPv4 or IPv6
    std::uint16_t port = 8080;
};

struct TlsFiles {
    std::filesystem::path certificate; // PEM chain
    std::filesystem::path private_key; // PEM
    std::filesystem::path
        ca; // server: whom clients must be signed by; client: whom to trust beside the system's
};

/// Who may read answers from a page that was loaded elsewhere (CORS).
struct CorsOptions {
    std::vector<std::string> origins; // "https://viewer.example.org", or "*"; empty: nobody
};

struct ServerOptions {
    std::vector<ListenAddress> listen;
    std::optional<TlsFiles> tls;
    std::chrono::milliseconds tls_check{10s}; // how often its files are looked at
    CorsOptions cors;
    Bytes max_body = 4_GiB;              // 413 above
    Bytes max_header = 32_KiB;           // request line and fields, 431 above
    Bytes max_target = 8_KiB;            // 414 above
    std::uint16_t max_connections = 512; // further ones wait in the listen queue
    std::chrono::milliseconds header_timeout{20s
    }; // from the first byte of a request to the end of its head
    std::chrono::milliseconds idle_timeout{60s}; // between requests of one connection
    std::chrono::milliseconds body_timeout{60s}; // longest silence inside a body, either direction
};

struct AuthOptions {
    enum class Kind : std::uint8_t { none, basic, bearer, oauth2 };

    Kind kind = Kind::none;
    std::string username;                // basic
    std::filesystem::path password_file; // basic
    std::filesystem::path token_file;    // bearer: read anew when it changes
    std::string token_url;               // oauth2, client credentials (RFC 6749 4.4)
    std::string client_id;
    std::filesystem::path client_secret_file;
    std::string scope;
};

struct ClientOptions {
    std::string url; // http(s)://host[:port]/base; requests name paths below it
    AuthOptions auth;
    TlsFiles tls;                                   // all optional
    std::string proxy;                              // http://host:port, empty: none
    std::uint16_t connections = 4;                  // at once, kept alive
    std::chrono::milliseconds connect_timeout{10s}; // resolve, TCP, proxy and TLS, each
    std::chrono::milliseconds timeout{300s
    }; // longest silence while a request is sent or its answer awaited
    std::chrono::milliseconds idle_timeout{30s}; // an unused connection is closed after this
};

} // namespace gantry::web
