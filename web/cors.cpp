#include "web/cors.h"

#include "web/server_refusal.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace gantry::web {

namespace {

constexpr std::string_view any = "*";

// A browser shows a few harmless fields by itself; these only where they are named.
constexpr std::string_view exposed =
    "Content-Location, Location, Warning, ETag, Accept-Ranges, Content-Range, Content-Length, "
    "Content-Encoding, WWW-Authenticate, Retry-After, X-Request-Id";

constexpr std::string_view usual_fields =
    "Authorization, Accept, Content-Type, Range, If-None-Match, If-Range, X-Requested-With";

constexpr std::string_view preflight_age = "7200"; // seconds; browsers take no more

// Field names as they may be said back: tokens with commas between.
bool is_name_list(std::string_view text)
{
    while (!text.empty()) {
        std::string_view name = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), name.size() + 1));
        while (name.starts_with(' '))
            name.remove_prefix(1);
        while (name.ends_with(' '))
            name.remove_suffix(1);
        if (!is_token(name))
            return false;
    }
    return true;
}

} // namespace

bool is_preflight(Method method, const Fields& request)
{
    return method == Method::options && request.has("Origin") &&
           request.has("Access-Control-Request-Method");
}

Fields cors_fields(const CorsOptions& options, const Fields& request)
{
    Fields out;
    if (options.origins.empty())
        return out;
    const bool anybody = std::ranges::find(options.origins, any) != options.origins.end();
    if (!anybody)
        out.add("Vary", "Origin"); // also where there is none: caches keep the answer for others
    const std::string_view origin = request.find("Origin");
    const bool named = std::ranges::any_of(options.origins, [&](const std::string& one) {
        return same_name(one, origin);
    });
    if (origin.empty() || !(named || anybody))
        return out;
    out.add("Access-Control-Allow-Origin", std::string(anybody ? any : origin));
    if (!anybody) // "*" goes without certificates and cookies
        out.add("Access-Control-Allow-Credentials", "true");
    out.add("Access-Control-Expose-Headers", std::string(exposed));
    return out;
}

ResponseHead preflight_answer(const Fields& request, const std::vector<Method>& methods)
{
    ResponseHead head;
    head.status = 204;
    head.fields.add("Access-Control-Allow-Methods", allow_field(methods));
    std::string fields(usual_fields);
    const std::string_view asked = request.find("Access-Control-Request-Headers");
    if (!asked.empty() && is_name_list(asked))
        fields = asked; // a configured origin may send what it likes
    head.fields.add("Access-Control-Allow-Headers", std::move(fields));
    head.fields.add("Access-Control-Max-Age", std::string(preflight_age));
    if (request.find("Access-Control-Request-Private-Network") == "true")
        head.fields.add("Access-Control-Allow-Private-Network", "true");
    head.fields.add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
    return head;
}

} // namespace gantry::web
