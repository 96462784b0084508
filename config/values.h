// The notations of single values: durations, sizes, listen addresses, URLs. Pure functions; the
// error's detail is the sentence that `gantry check` prints.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/result.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gantry::config {

/// "500ms", "5s", "10m", "24h", "30d". A bare "0" is zero; other numbers without unit are refused.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "64KiB", "256MiB", "2GiB", "1TiB", "512B". A bare "0" is zero; other numbers without unit are
/// refused, and so are MB and GB, which half of the world counts by 1000.
Result<Bytes> parse_size(std::string_view text);

/// A whole number in decimal.
Result<std::uint64_t> parse_number(std::string_view text);

/// An address to listen on; port 0 stands for any free port.
struct ListenAddress {
    std::string host; // an IP address, without brackets
    std::uint16_t port = 0;
    bool ipv6 = false;
};

/// "0.0.0.0:11112" or "[::]:104"; names are refused, they can change under a running service.
Result<ListenAddress> parse_listen(std::string_view text);

/// Whether everybody who reaches this machine reaches the address too: not loopback, not
/// link-local, not a private network.
bool is_public(const ListenAddress& listen);

/// An absolute http or https URL with a host, no query, no fragment and no user name or password;
/// returned without slashes at its end.
Result<std::string> parse_url(std::string_view text);

/// A host name or IP address, as a peer's `host`.
bool is_host(std::string_view text);

/// The word of `known` that was probably meant by `word`; empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

} // namespace gantry::config
