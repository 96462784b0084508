#include "web/token_answer.h"

#include "web/error.h"
#include "web/message.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>

namespace gantry::web {

namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr seconds longest_life{7 * 24 * 3600};

// A number, or a number in a string: both are met.
seconds life(const json::value& value)
{
    double count = 0;
    if (value.is_number())
        count = value.to_number<double>();
    else if (value.is_string())
        count = std::strtod(value.get_string().c_str(), nullptr);
    if (!(count > 0))
        return seconds(0);
    return seconds(
        static_cast<std::int64_t>(std::min(count, static_cast<double>(longest_life.count())))
    );
}

} // namespace

Result<TokenAnswer> parse_token_answer(const std::string& text)
{
    boost::system::error_code ec;
    const json::value parsed = json::parse(text, ec);
    if (ec || !parsed.is_object())
        return error(Errc::no_token, "token endpoint's answer is no JSON object");
    const json::object& object = parsed.get_object();
    const json::value* type = object.if_contains("token_type");
    if (type != nullptr &&
        (!type->is_string() || !same_name(std::string_view(type->get_string()), "bearer")))
        return error(Errc::no_token, "token endpoint gave another type than Bearer");
    const json::value* token = object.if_contains("access_token");
    if (token == nullptr || !token->is_string() || token->get_string().empty() ||
        !is_field_value(std::string_view(token->get_string())))
        return error(Errc::no_token, "token endpoint gave no access token");
    TokenAnswer answer;
    answer.access_token = std::string(std::string_view(token->get_string()));
    if (const json::value* expires = object.if_contains("expires_in"))
        answer.expires_in = life(*expires);
    return answer;
}

seconds renew_after(seconds expires_in)
{
    return std::max(expires_in * 4 / 5, expires_in - seconds(60));
}

std::string refusal(std::uint16_t status, const std::string& text)
{
    constexpr std::array known{
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    };
    std::string result = "token endpoint answered " + std::to_string(status);
    boost::system::error_code ec;
    const json::value parsed = json::parse(text, ec);
    if (ec || !parsed.is_object())
        return result;
    const json::value* reason = parsed.get_object().if_contains("error");
    if (reason == nullptr || !reason->is_string())
        return result;
    const auto* const named = std::ranges::find(known, std::string_view(reason->get_string()));
    return named == known.end() ? result : result + " (" + *named + ")";
}

std::string form_encoded(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view plain = "*-._";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || (c >= '0' && c <= '9') || plain.find(c) != std::string_view::npos)
            out += c;
        else if (c == ' ')
            out += '+';
        else
            out.append({'%', digits[byte >> 4U], digits[byte & 0x0FU]});
    }
    return out;
}

} // namespace gantry::web
