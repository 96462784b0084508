#include "config/values.h"

#include "config/error.h"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <vector>

namespace gantry::config {

namespace {

Error bad(std::string detail)
{
    return error(Errc::bad_value, std::move(detail));
}

std::string quoted(std::string_view text)
{
    return "\"" + std::string(text.substr(0, 80)) + "\"";
}

struct Unit {
    std::string_view suffix;
    std::uint64_t factor;
};

/// A whole number and its unit; empty where it is not that or does not fit.
std::optional<std::uint64_t> scaled(std::string_view text, std::span<const Unit> units)
{
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{})
        return std::nullopt;
    const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
    if (suffix.empty() && number == 0)
        return 0;
    const auto unit = std::ranges::find(units, suffix, &Unit::suffix);
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (unit == units.end() || number > largest / unit->factor)
        return std::nullopt;
    return number * unit->factor;
}

constexpr std::array duration_units{
    Unit{"ms", 1},
    Unit{"s", 1000},
    Unit{"m", 60'000},
    Unit{"h", 3'600'000},
    Unit{"d", 86'400'000},
};

constexpr std::array size_units{
    Unit{"B", 1},
    Unit{"KiB", 1ULL << 10U},
    Unit{"MiB", 1ULL << 20U},
    Unit{"GiB", 1ULL << 30U},
    Unit{"TiB", 1ULL << 40U},
};

std::optional<std::uint16_t> port_of(std::string_view text)
{
    const auto number = parse_number(text);
    if (!number || *number > 65535)
        return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

/// RFC 1918 and 3927, and loopback.
bool is_private(const boost::urls::ipv4_address& address)
{
    const auto b = address.to_bytes();
    return b[0] == 127 || b[0] == 10 || (b[0] == 192 && b[1] == 168) ||
           (b[0] == 172 && (b[1] & 0xf0U) == 16) || (b[0] == 169 && b[1] == 254);
}

/// RFC 4193 and 4291: unique local, link-local, loopback.
bool is_private(const boost::urls::ipv6_address& address)
{
    const auto b = address.to_bytes();
    return address.is_loopback() || (b[0] & 0xfeU) == 0xfc ||
           (b[0] == 0xfe && (b[1] & 0xc0U) == 0x80);
}

/// Insertions, deletions, substitutions and swapped neighbours that lead from `a` to `b`.
std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            const std::size_t substituted = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, substituted});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.size()][b.size()];
}

} // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text)
{
    const auto count = scaled(text, duration_units);
    if (!count)
        return bad(quoted(text) + " is not a duration: write it as 500ms, 5s, 10m, 24h or 30d");
    constexpr std::uint64_t hundred_years = 36'500ULL * 86'400'000ULL;
    if (*count > hundred_years)
        return bad(quoted(text) + " is more than a hundred years");
    return std::chrono::milliseconds(static_cast<std::int64_t>(*count));
}

Result<Bytes> parse_size(std::string_view text)
{
    const auto count = scaled(text, size_units);
    if (!count)
        return bad(quoted(text) + " is not a size: write it as 64KiB, 256MiB or 2GiB");
    return Bytes{*count};
}

Result<std::uint64_t> parse_number(std::string_view text)
{
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{} || end != text.data() + text.size())
        return bad(quoted(text) + " is not a whole number");
    return number;
}

Result<ListenAddress> parse_listen(std::string_view text)
{
    const std::string hint =
        " is not an address to listen on: write it as \"0.0.0.0:11112\" or \"[::]:11112\"";
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return bad(quoted(text) + hint);
    const auto port = port_of(text.substr(colon + 1));
    if (!port)
        return bad(quoted(text) + ": the port is a number from 1 to 65535");
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    ListenAddress listen{std::string(bracketed ? host.substr(1, host.size() - 2) : host), *port};
    listen.ipv6 = bracketed;
    const bool numeric = bracketed ? boost::urls::parse_ipv6_address(listen.host).has_value()
                                   : boost::urls::parse_ipv4_address(listen.host).has_value();
    if (!numeric)
        return bad(quoted(text) + hint);
    return listen;
}

bool is_public(const ListenAddress& listen)
{
    if (listen.ipv6) {
        const auto address = boost::urls::parse_ipv6_address(listen.host);
        return address && !is_private(*address);
    }
    const auto address = boost::urls::parse_ipv4_address(listen.host);
    return address && !is_private(*address);
}

Result<std::string> parse_url(std::string_view text)
{
    const auto url = boost::urls::parse_uri(text);
    if (!url)
        return bad(
            quoted(text) + " is not a URL: write it as \"https://pacs.example.org/dicom-web\""
        );
    const std::string_view scheme(url->scheme().data(), url->scheme().size());
    if (scheme != "http" && scheme != "https")
        return bad(quoted(text) + ": the URL must begin with http:// or https://");
    if (url->has_userinfo())
        return bad("user name and password do not belong into the URL: use auth: beside it");
    if (url->encoded_host().empty())
        return bad(quoted(text) + ": the URL has no host name");
    if (url->has_query() || url->has_fragment())
        return bad(quoted(text) + ": the URL must end with its path, without ? or #");
    const std::string_view port(url->port().data(), url->port().size());
    if (url->has_port() && port_of(port).value_or(0) == 0)
        return bad(quoted(text) + ": the port is a number from 1 to 65535");
    std::string plain(text);
    while (plain.ends_with('/'))
        plain.pop_back();
    return plain;
}

bool is_host(std::string_view text)
{
    if (boost::urls::parse_ipv6_address(text))
        return true;
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= 253 && text.front() != '-' && text.front() != '.' &&
           std::ranges::all_of(text, allowed);
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known)
{
    if (word.size() > 64)
        return {};
    std::string_view best;
    std::size_t best_distance = 1 + (std::max<std::size_t>(word.size(), 3) / 3);
    for (const std::string_view candidate : known) {
        if (candidate.size() > 64)
            continue;
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

} // namespace gantry::config
