#include "mapping/json_values.h"

#include "mapping/json_text.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace gantry::mapping {

namespace {

// PS3.18 F.2.3: beyond what a double holds exactly, as text
constexpr std::int64_t max_exact = (std::int64_t{1} << 53) - 1;

constexpr Vr at = make_vr('A', 'T');
constexpr Vr ds = make_vr('D', 'S');
constexpr Vr fd = make_vr('F', 'D');
constexpr Vr fl = make_vr('F', 'L');
constexpr Vr is = make_vr('I', 'S');
constexpr Vr pn = make_vr('P', 'N');
constexpr Vr sl = make_vr('S', 'L');
constexpr Vr sv = make_vr('S', 'V');
constexpr Vr uv = make_vr('U', 'V');

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/// An IS or DS that a JSON number gives back letter by letter: no "+", no zeros in front or behind,
/// no exponent, not "-0", and few enough digits for a double.
bool is_canonical(Vr vr, std::string_view text)
{
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    if (whole.empty() || text.size() > 15 || !std::ranges::all_of(whole, is_digit) ||
        (whole.size() > 1 && whole.front() == '0'))
        return false;
    if (point == std::string_view::npos)
        return !negative || whole != "0";
    const std::string_view fraction = text.substr(point + 1);
    return vr == ds && !fraction.empty() && fraction.back() != '0' &&
           std::ranges::all_of(fraction, is_digit);
}

std::uint64_t little_endian(ConstBytes bytes)
{
    std::uint64_t number = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
        number = number << 8U | std::to_integer<std::uint64_t>(bytes[i]);
    return number;
}

/// The shortest text that reads back as the same number.
template <class T>
bool append_real(std::string& out, T number)
{
    if (!std::isfinite(number))
        return false;
    char text[32];
    const auto end = std::to_chars(std::begin(text), std::end(text), number).ptr;
    const std::string_view digits(text, static_cast<std::size_t>(end - text));
    out += digits;
    if (digits == "-0")
        out += ".0"; // readers that know integers would lose the sign
    return true;
}

void append_integer(std::string& out, Vr vr, ConstBytes bytes)
{
    const std::uint64_t number = little_endian(bytes);
    if (vr == vr::ss)
        out += std::to_string(static_cast<std::int16_t>(number));
    else if (vr == sl)
        out += std::to_string(static_cast<std::int32_t>(number));
    else if (vr == sv) {
        const auto value = static_cast<std::int64_t>(number);
        const bool exact = value <= max_exact && value >= -max_exact;
        out += exact ? std::to_string(value) : '"' + std::to_string(value) + '"';
    } else {
        const bool exact = vr != uv || number <= static_cast<std::uint64_t>(max_exact);
        out += exact ? std::to_string(number) : '"' + std::to_string(number) + '"';
    }
}

void append_tag(std::string& out, ConstBytes bytes)
{
    const Tag tag{
        static_cast<std::uint16_t>(little_endian(bytes.first(2))),
        static_cast<std::uint16_t>(little_endian(bytes.last(2)))
    };
    out += '"' + tag.hex() + '"';
}

bool append_number(std::string& out, Vr vr, ConstBytes bytes)
{
    if (vr == fl)
        return append_real(
            out, std::bit_cast<float>(static_cast<std::uint32_t>(little_endian(bytes)))
        );
    if (vr == fd)
        return append_real(out, std::bit_cast<double>(little_endian(bytes)));
    if (vr == at)
        append_tag(out, bytes);
    else
        append_integer(out, vr, bytes);
    return true;
}

/// PS3.18 F.2.2: only groups that are not empty.
void append_name(std::string& out, std::string_view name)
{
    constexpr std::string_view groups[] = {"Alphabetic", "Ideographic", "Phonetic"};
    const std::size_t start = out.size();
    for (const std::string_view group : groups) {
        const std::size_t end = name.find('=');
        std::string_view text = name.substr(0, end);
        while (text.ends_with(' ') || text.ends_with('^')) // they say nothing (PS3.5 6.2.1)
            text.remove_suffix(1);
        if (!text.empty()) {
            out += out.size() == start ? "{\"" : ",\"";
            out += group;
            out += "\":";
            append_json_string(out, text);
        }
        name = end == std::string_view::npos ? std::string_view() : name.substr(end + 1);
    }
    out += out.size() == start ? "null" : "}";
}

std::size_t value_size(Vr vr)
{
    return vr == at ? 4 : word_size(vr);
}

} // namespace

bool is_binary_number(Vr vr)
{
    return word_size(vr) > 1 && first_letter(vr) != 'O';
}

std::optional<std::string> json_numbers(Vr vr, ConstBytes values)
{
    const std::size_t size = value_size(vr);
    std::string out = "[";
    for (std::size_t i = 0; i + size <= values.size(); i += size) {
        out += i == 0 ? "" : ",";
        if (!append_number(out, vr, values.subspan(i, size)))
            return std::nullopt;
    }
    return out + ']';
}

std::optional<std::vector<std::string>> number_texts(Vr vr, ConstBytes values)
{
    const std::size_t size = value_size(vr);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i + size <= values.size(); i += size) {
        std::string text;
        if (!append_number(text, vr, values.subspan(i, size)))
            return std::nullopt;
        std::erase(text, '"');
        texts.push_back(std::move(text));
    }
    return texts;
}

std::string json_texts(Vr vr, std::span<const std::string> values)
{
    std::string out = "[";
    for (const std::string& value : values) {
        out += out.size() == 1 ? "" : ",";
        if (value.empty())
            out += "null";
        else if (vr == pn)
            append_name(out, value);
        else if ((vr == is || vr == ds) && is_canonical(vr, value))
            out += value;
        else
            append_json_string(out, value);
    }
    return out + ']';
}

void append_base64(std::string& out, ConstBytes bytes)
{
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t size = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t three = 0;
        for (std::size_t j = 0; j < 3; ++j)
            three = three << 8U | (j < size ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0);
        for (std::size_t j = 0; j < 4; ++j)
            out.push_back(j <= size ? digits[three >> (18 - 6 * j) & 0x3fU] : '=');
    }
}

} // namespace gantry::mapping
