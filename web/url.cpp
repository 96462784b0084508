#include "web/url.h"

#include "web/error.h"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>

namespace gantry::web {

namespace {

namespace urls = boost::urls;

std::string bracketed(const std::string& host)
{
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string lower(std::string text)
{
    for (char& c : text)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c + ('a' - 'A'));
    return text;
}

// A name or an address, after decoding; what else a URL could hold there has no business in Host.
bool is_host(std::string_view host)
{
    constexpr std::string_view marks = ".-_:";
    return !host.empty() && std::ranges::all_of(host, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               marks.find(c) != std::string_view::npos;
    });
}

Result<Url> from_view(const urls::url_view& view)
{
    Url url;
    const bool http = view.scheme_id() == urls::scheme::http;
    url.tls = view.scheme_id() == urls::scheme::https;
    if (!http && !url.tls)
        return error(Errc::malformed, "URL without http:// or https://");
    url.host = lower(view.host_address());
    if (!is_host(url.host))
        return error(Errc::malformed, "URL without a host");
    url.port = url.tls ? 443 : 80;
    if (view.has_port() && !view.port().empty()) {
        const std::string_view port = view.port();
        const auto parsed = std::from_chars(port.data(), port.data() + port.size(), url.port);
        if (parsed.ec != std::errc() || url.port == 0)
            return error(Errc::malformed, "URL with an impossible port");
    }
    if (view.has_userinfo())
        url.user_info = view.userinfo();
    url.path = std::string(view.encoded_path());
    while (url.path.ends_with('/'))
        url.path.pop_back();
    if (view.has_query())
        url.path += "?" + std::string(view.encoded_query());
    return url;
}

} // namespace

std::string Url::authority() const
{
    const bool usual = port == (tls ? 443 : 80);
    return usual ? bracketed(host) : host_and_port();
}

std::string Url::host_and_port() const
{
    return bracketed(host) + ":" + std::to_string(port);
}

Result<Url> parse_url(std::string_view text)
{
    const auto view = urls::parse_uri(text);
    if (!view)
        return error(Errc::malformed, "URL");
    return from_view(*view);
}

Result<std::string>
redirect_target(const Url& base, std::string_view target, std::string_view location)
{
    const auto reference = urls::parse_uri_reference(location);
    const std::string here =
        (base.tls ? "https://" : "http://") + base.authority() + std::string(target);
    const auto from = urls::parse_uri(here);
    if (!reference || !from)
        return error(Errc::malformed, "Location");
    urls::url resolved;
    if (!urls::resolve(*from, *reference, resolved))
        return error(Errc::malformed, "Location");
    const Result<Url> there = from_view(resolved);
    if (!there)
        return there.error();
    if (!there->same_origin(base))
        return error(Errc::unsupported, "redirected to another origin");
    std::string result(resolved.encoded_path());
    if (resolved.has_query())
        result += "?" + std::string(resolved.encoded_query());
    return result.empty() ? "/" : result;
}

} // namespace gantry::web
