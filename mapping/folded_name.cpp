#include "mapping/folded_name.h"

#include "mapping/utf8.h"

#include <algorithm>

namespace gantry::mapping {

namespace {

// The letter beneath, in lower case; a point where there is none.
constexpr std::string_view from_u00c0 =
    "aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiiidnooooo.ouuuuy.y";
constexpr std::string_view from_u0100 =
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkkllllllllllnnnnnnnnnoooooo..rrrrrr"
    "ssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(from_u00c0.size() == 0x40 && from_u0100.size() == 0x80);

bool is_between(unsigned code, unsigned first, unsigned last)
{
    return code >= first && code <= last;
}

/// Of two bytes of UTF-8.
unsigned code_of(std::string_view character)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    return (byte(0) & 0x1fU) << 6U | (byte(1) & 0x3fU);
}

unsigned lowered(unsigned code)
{
    constexpr unsigned times = 0xd7;
    if ((is_between(code, 0xc0, 0xde) && code != times) || is_between(code, 0x391, 0x3a9) ||
        is_between(code, 0x410, 0x42f))
        return code + 0x20;
    if (is_between(code, 0x400, 0x40f))
        return code + 0x50;
    return code == 0x132 || code == 0x152 ? code + 1 : code; // IJ and OE as one letter
}

void append_folded(std::string& out, unsigned code)
{
    if (is_between(code, 0x300, 0x36f))
        return; // an accent by itself
    char letter = '.';
    if (is_between(code, 0xc0, 0xff))
        letter = from_u00c0[code - 0xc0];
    else if (is_between(code, 0x100, 0x17f))
        letter = from_u0100[code - 0x100];
    if (letter != '.') {
        out.push_back(letter);
        return;
    }
    code = lowered(code);
    out.push_back(static_cast<char>(0xc0U | code >> 6U));
    out.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
}

} // namespace

std::string folded_name(std::string_view name)
{
    const std::size_t end = name.find_last_not_of(std::string_view("^= \0", 4));
    name = name.substr(0, end == std::string_view::npos ? 0 : end + 1);
    std::string out;
    out.reserve(name.size());
    while (!name.empty()) {
        const std::size_t size = std::max<std::size_t>(utf8_character(name), 1);
        const char c = name.front();
        if (size == 2)
            append_folded(out, code_of(name));
        else if (c >= 'A' && c <= 'Z')
            out.push_back(static_cast<char>(c + ('a' - 'A')));
        else
            out += name.substr(0, size);
        name.remove_prefix(size);
    }
    return out;
}

} // namespace gantry::mapping
