#include "web/server_refusal.h"

#include "web/error.h"

#include <algorithm>

namespace gantry::web {

std::uint16_t refusal_of_head(HeadFault fault, const Error& reason)
{
    switch (fault) {
    case HeadFault::malformed: return 400;
    case HeadFault::target_too_long: return 414;
    case HeadFault::head_too_large: return 431;
    case HeadFault::version: return 505;
    case HeadFault::coding: return 501;
    case HeadFault::silent: return reason.code == Errc::timeout ? 408 : 0;
    case HeadFault::none: return 0;
    }
    return 0;
}

std::uint16_t refusal_of_body(const Error& failure)
{
    if (failure.code == Errc::too_large)
        return 413;
    if (failure.code == Errc::timeout)
        return 408;
    return failure.code == Errc::malformed ? 400 : 0;
}

std::string allow_field(const std::vector<Method>& methods)
{
    std::string text;
    for (const Method method : methods) {
        text.append(text.empty() ? "" : ", ").append(to_string(method));
        if (method == Method::get)
            text += ", HEAD";
    }
    if (std::ranges::find(methods, Method::options) == methods.end())
        text.append(text.empty() ? "" : ", ").append(to_string(Method::options));
    return text;
}

ResponseHead problem_head(std::uint16_t status)
{
    ResponseHead head;
    head.status = status;
    head.fields.add("Content-Type", "application/problem+json");
    return head;
}

std::string problem_body(std::uint16_t status)
{
    return "{\"type\":\"about:blank\",\"title\":\"" + std::string(reason_phrase(status)) +
           "\",\"status\":" + std::to_string(status) + "}\n";
}

} // namespace gantry::web
