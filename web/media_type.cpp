#include "web/media_type.h"

#include "web/error.h"
#include "web/message.h"

#include <algorithm>

namespace gantry::web {

namespace {

std::string_view trim(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    return out;
}

// Takes a quoted string from the front of `rest` (RFC 9110 5.6.4).
bool take_quoted(std::string_view& rest, std::string& value)
{
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] == '"') {
            rest.remove_prefix(i + 1);
            return true;
        }
        if (rest[i] == '\\') {
            ++i;
            if (i == rest.size())
                return false;
        }
        value += rest[i];
    }
    return false;
}

// One "name=value", from the front of `rest` to the ';' after it.
bool take_parameter(std::string_view& rest, MediaType& into)
{
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos)
        return false;
    const std::string_view name = trim(rest.substr(0, equals));
    if (!is_token(name))
        return false;
    rest = trim(rest.substr(equals + 1));
    std::string value;
    if (rest.starts_with('"')) {
        if (!take_quoted(rest, value))
            return false;
        rest = trim(rest);
        if (!rest.empty() && !rest.starts_with(';'))
            return false;
    } else {
        // Boundaries are often sent unquoted with characters that a token may not have: take them.
        const auto end = std::min(rest.find(';'), rest.size());
        value = trim(rest.substr(0, end));
        if (value.empty() || value.find('"') != std::string::npos)
            return false;
        rest.remove_prefix(end);
    }
    into.parameters.emplace_back(lower(name), std::move(value));
    return true;
}

} // namespace

std::string_view MediaType::parameter(std::string_view name) const noexcept
{
    const auto found = std::ranges::find(parameters, name, [](const auto& p) {
        return std::string_view(p.first);
    });
    return found == parameters.end() ? std::string_view{} : std::string_view(found->second);
}

Result<MediaType> parse_media_type(std::string_view text)
{
    MediaType result;
    auto end = std::min(text.find(';'), text.size());
    result.type = lower(trim(text.substr(0, end)));
    const auto slash = result.type.find('/');
    if (slash == std::string::npos || !is_token(std::string_view(result.type).substr(0, slash)) ||
        !is_token(std::string_view(result.type).substr(slash + 1)))
        return error(Errc::malformed, "media type");
    std::string_view rest = text.substr(end);
    while (!rest.empty()) {
        rest = trim(rest.substr(1)); // the ';'
        if (rest.empty() || rest.starts_with(';'))
            continue;
        if (!take_parameter(rest, result))
            return error(Errc::malformed, "media type parameter");
    }
    return result;
}

} // namespace gantry::web
