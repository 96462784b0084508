#include "web/target.h"

#include "web/error.h"

#include <algorithm>

namespace gantry::web {

namespace {

int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool is_control(char c)
{
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
}

bool has_parent_segment(std::string_view path)
{
    while (!path.empty()) {
        const auto slash = std::min(path.find('/'), path.size());
        if (path.substr(0, slash) == "..")
            return true;
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return false;
}

// "http://host/path" to "/path"; the host was said in Host as well.
std::string_view without_origin(std::string_view text)
{
    const auto scheme = text.find("://");
    const bool http =
        scheme != std::string_view::npos &&
        (same_name(text.substr(0, scheme), "http") || same_name(text.substr(0, scheme), "https"));
    if (!http)
        return text;
    const auto after_host = text.find_first_of("/?", scheme + 3);
    return after_host == std::string_view::npos ? "/" : text.substr(after_host);
}

} // namespace

Result<std::string> percent_decoded(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
        const int low = high >= 0 ? hex(text[i + 2]) : -1;
        if (low < 0)
            return error(Errc::malformed, "percent encoding");
        const char c = static_cast<char>(high * 16 + low);
        if (c == '\0' || c == '\r' || c == '\n')
            return error(Errc::malformed, "encoded control character");
        out += c;
        i += 2;
    }
    return out;
}

Result<Target> parse_target(std::string_view text)
{
    const bool printable = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
    if (!printable || text.find('#') != std::string_view::npos)
        return error(Errc::malformed, "request target");
    if (text == "*")
        return Target{"*", {}};
    text = without_origin(text);
    Target target;
    const auto question = std::min(text.find('?'), text.size());
    target.query = text.substr(std::min(question + 1, text.size()));
    const auto path = question == 0 ? std::string_view("/") : text.substr(0, question);
    if (!path.starts_with('/'))
        return error(Errc::malformed, "request target");
    const Result<std::string> decoded = percent_decoded(path);
    if (!decoded)
        return decoded.error();
    // A decoded '/' would make other segments of the path than its sender saw.
    const bool same_segments = std::ranges::count(*decoded, '/') == std::ranges::count(path, '/');
    if (!same_segments || std::ranges::any_of(*decoded, is_control) || has_parent_segment(*decoded))
        return error(Errc::malformed, "request path");
    target.path = *decoded;
    return target;
}

std::optional<Method> parse_method(std::string_view name)
{
    for (const Method method :
         {Method::get, Method::head, Method::post, Method::put, Method::remove, Method::options})
        if (to_string(method) == name)
            return method;
    return std::nullopt;
}

} // namespace gantry::web
