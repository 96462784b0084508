#include "mapping/xml_scanner.h"

#include <charconv>
#include <cstdint>
#include <optional>

namespace gantry::mapping {

namespace {

bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void append_utf8(std::string& out, std::uint32_t code)
{
    if (code < 0x80) {
        out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        out.push_back(static_cast<char>(0xc0U | code >> 6U));
        out.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
    } else if (code < 0x10000) {
        out.push_back(static_cast<char>(0xe0U | code >> 12U));
        out.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3fU)));
        out.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
    } else {
        out.push_back(static_cast<char>(0xf0U | code >> 18U));
        out.push_back(static_cast<char>(0x80U | (code >> 12U & 0x3fU)));
        out.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3fU)));
        out.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
    }
}

/// What stands between "&" and ";".
bool append_entity(std::string& out, std::string_view name)
{
    constexpr std::pair<std::string_view, char> known[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}
    };
    for (const auto& [entity, character] : known) {
        if (name == entity) {
            out.push_back(character);
            return true;
        }
    }
    if (!name.starts_with('#'))
        return false;
    name.remove_prefix(1);
    const bool hex = name.starts_with('x');
    name.remove_prefix(hex ? 1 : 0);
    std::uint32_t code = 0;
    const auto [end, failed] =
        std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (failed != std::errc() || end != name.data() + name.size() || code == 0 || surrogate ||
        code > 0x10ffff)
        return false;
    append_utf8(out, code);
    return true;
}

std::optional<std::string> unescape(std::string_view text)
{
    std::string out;
    while (!text.empty()) {
        const std::size_t amp = text.find('&');
        out += text.substr(0, amp);
        if (amp == std::string_view::npos)
            break;
        const std::size_t end = text.find(';', amp);
        if (end == std::string_view::npos ||
            !append_entity(out, text.substr(amp + 1, end - amp - 1)))
            return std::nullopt;
        text.remove_prefix(end + 1);
    }
    return out;
}

std::string_view local_name(std::string_view name)
{
    const std::size_t colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

Error bad()
{
    return error(Errc::malformed, "XML");
}

} // namespace

std::string XmlTag::attribute(std::string_view wanted) const
{
    for (const auto& [attribute_name, value] : attributes) {
        if (attribute_name == wanted)
            return value;
    }
    return {};
}

Result<XmlTag> XmlScanner::next(std::string& text)
{
    text.clear();
    while (true) {
        const std::size_t open = left_.find('<');
        const auto before = unescape(left_.substr(0, open));
        if (open == std::string_view::npos || !before)
            return bad();
        text += *before;
        left_.remove_prefix(open);
        if (left_.starts_with("<!--") || left_.starts_with("<?")) {
            if (!skip(left_[1] == '?' ? "?>" : "-->"))
                return bad();
        } else if (left_.starts_with("<![CDATA[")) {
            const std::size_t end = left_.find("]]>");
            if (end == std::string_view::npos)
                return bad();
            text += left_.substr(9, end - 9);
            left_.remove_prefix(end + 3);
        } else if (left_.starts_with("<!")) {
            return bad(); // a document type: not needed, and a way in for entities
        } else {
            return tag();
        }
    }
}

bool XmlScanner::skip(std::string_view end)
{
    const std::size_t at = left_.find(end);
    if (at == std::string_view::npos)
        return false;
    left_.remove_prefix(at + end.size());
    return true;
}

void XmlScanner::skip_spaces()
{
    while (!left_.empty() && is_space(left_.front()))
        left_.remove_prefix(1);
}

std::string_view XmlScanner::name()
{
    std::size_t size = 0;
    while (size < left_.size() && !is_space(left_[size]) && left_[size] != '=' &&
           left_[size] != '>' && left_[size] != '/' && left_[size] != '<')
        ++size;
    const std::string_view found = left_.substr(0, size);
    left_.remove_prefix(size);
    return found;
}

Result<XmlTag> XmlScanner::tag()
{
    XmlTag tag;
    left_.remove_prefix(1);
    tag.closing = left_.starts_with('/');
    left_.remove_prefix(tag.closing ? 1 : 0);
    tag.name = local_name(name());
    if (tag.name.empty())
        return bad();
    while (true) {
        skip_spaces();
        if (left_.starts_with('>') || left_.starts_with("/>")) {
            tag.empty = left_.front() == '/';
            left_.remove_prefix(tag.empty ? 2 : 1);
            return tag;
        }
        if (!attribute(tag))
            return bad();
    }
}

bool XmlScanner::attribute(XmlTag& tag)
{
    const std::string_view attribute_name = name();
    skip_spaces();
    if (attribute_name.empty() || !left_.starts_with('='))
        return false;
    left_.remove_prefix(1);
    skip_spaces();
    if (left_.empty() || (left_.front() != '"' && left_.front() != '\''))
        return false;
    const std::size_t end = left_.find(left_.front(), 1);
    if (end == std::string_view::npos)
        return false;
    auto value = unescape(left_.substr(1, end - 1));
    left_.remove_prefix(end + 1);
    if (!value)
        return false;
    tag.attributes.emplace_back(attribute_name, std::move(*value));
    return true;
}

} // namespace gantry::mapping
