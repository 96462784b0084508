// Binds addresses, and says in a file which ports they came to be (port 0 asks for any).
#pragma once

#include "gateway/loop/asio.h"
#include "mapping/vocabulary/result.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace gantry {

/// Numeric IPv4 or IPv6 host. The error's text names the address and why.
Result<asio::ip::tcp::acceptor>
bind(asio::any_io_executor loop, const std::string& host, std::uint16_t port);

/// "127.0.0.1:8080", "[::1]:104".
std::string address_text(const asio::ip::tcp::endpoint& endpoint);

/// Face ("dimse", "web", "web_tls", "admin") to the addresses it listens on.
using Listening = std::map<std::string, std::vector<std::string>>;

/// {"dimse": ["0.0.0.0:11112"], ...}, replaced in one step, so that a reader sees all or nothing.
Result<void> write_listening(const std::filesystem::path& file, const Listening& listening);

} // namespace gantry
