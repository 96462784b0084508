#include "gateway/faces/web_conditions.h"

#include "gateway/custody/digest.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace gantry::faces {

namespace {

std::string_view trimmed(std::string_view text)
{
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && blank(text.back()))
        text.remove_suffix(1);
    return text;
}

/// Digits and nothing else; what has no room is as large as can be.
std::optional<std::uint64_t> number_of(std::string_view text)
{
    if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
        return std::nullopt;
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc() ? number : UINT64_MAX;
}

std::string_view without_weakness(std::string_view tag)
{
    return tag.starts_with("W/") ? tag.substr(2) : tag;
}

} // namespace

std::string entity_tag(std::string_view of_what)
{
    return entity_tag(std::as_bytes(std::span(of_what.data(), of_what.size())));
}

std::string entity_tag(ConstBytes content)
{
    custody::DigestStream digest;
    digest.update(content);
    std::string out = "\"";
    for (const std::byte byte : digest.digest())
        for (const unsigned shift : {4U, 0U})
            out.push_back("0123456789abcdef"[std::to_integer<unsigned>(byte) >> shift & 0xfU]);
    return out + '"';
}

// RFC 9110 13.1.2: compared weakly.
bool is_known(const web::Request& request, std::string_view tag)
{
    for (const auto& [name, value] : request.fields) {
        if (!web::same_name(name, "If-None-Match"))
            continue;
        std::string_view left = value;
        while (!left.empty()) {
            const std::string_view one = left.substr(0, left.find(','));
            left.remove_prefix(std::min(left.size(), one.size() + 1));
            const std::string_view known = trimmed(one);
            if (known == "*" || without_weakness(known) == without_weakness(tag))
                return true;
        }
    }
    return false;
}

web::ResponseHead not_modified(std::string_view tag, std::string_view cache_control)
{
    web::ResponseHead head;
    head.status = 304;
    head.fields.add("ETag", std::string(tag));
    head.fields.add("Cache-Control", std::string(cache_control));
    head.fields.add("Vary", "Accept");
    return head;
}

AskedRange asked_range(const web::Request& request, std::uint64_t size, std::string_view tag)
{
    constexpr std::string_view unit = "bytes=";
    const std::string_view asked = trimmed(request.fields.find("Range"));
    const std::string_view only_if = trimmed(request.fields.find("If-Range"));
    if (!asked.starts_with(unit) || asked.find(',') != std::string_view::npos ||
        (!only_if.empty() && only_if != tag))
        return {};
    const std::string_view set = trimmed(asked.substr(unit.size()));
    const auto dash = set.find('-');
    if (dash == std::string_view::npos)
        return {};
    const auto first = number_of(set.substr(0, dash));
    const auto last = number_of(set.substr(dash + 1));
    const bool bad_first = !first && dash != 0;
    const bool bad_last = !last && dash + 1 != set.size();
    if (bad_first || bad_last || (!first && !last) || (first && last && *last < *first))
        return {};
    if (!first) { // the last so many
        const std::uint64_t length = std::min(*last, size);
        if (length == 0)
            return {AskedRange::Kind::not_satisfiable, {}};
        return {AskedRange::Kind::part, {size - length, length}};
    }
    if (*first >= size)
        return {AskedRange::Kind::not_satisfiable, {}};
    const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
    return {AskedRange::Kind::part, {*first, end - *first + 1}};
}

std::string content_range(const std::optional<ByteRange>& range, std::uint64_t size)
{
    std::string out = "bytes ";
    if (range)
        out +=
            std::to_string(range->offset) + '-' + std::to_string(range->offset + range->length - 1);
    else
        out += '*';
    return out + '/' + std::to_string(size);
}

} // namespace gantry::faces
