#include "bench/elements.h"

namespace gantry::bench {

void put(std::string& out, unsigned group, unsigned element, std::string_view vr, std::string value)
{
    const auto word = [&out](std::size_t n) {
        out += static_cast<char>(n & 0xffU);
        out += static_cast<char>(n >> 8U & 0xffU);
    };
    if (value.size() % 2 != 0)
        value += vr == "UI" ? '\0' : ' ';
    word(group);
    word(element);
    out += vr;
    if (vr == "OW" || vr == "OB") {
        word(0);
        word(value.size() & 0xffffU);
        word(value.size() >> 16U);
    } else {
        word(value.size());
    }
    out += value;
}

std::string us(unsigned value)
{
    return {static_cast<char>(value & 0xffU), static_cast<char>(value >> 8U)};
}

} // namespace gantry::bench
