#include "bench/elements.h"

#include <utility>

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

std::string file_head(std::string sop_class, std::string sop_instance)
{
    std::string meta;
    put(meta, 2, 0x0001, "OB", std::string("\0\1", 2));
    put(meta, 2, 0x0002, "UI", std::move(sop_class));
    put(meta, 2, 0x0003, "UI", std::move(sop_instance));
    put(meta, 2, 0x0010, "UI", "1.2.840.10008.1.2.1");
    put(meta, 2, 0x0012, "UI", "2.25.1");
    std::string head(128, '\0');
    head += "DICM";
    put(head, 2, 0x0000, "UL", us(static_cast<unsigned>(meta.size())) + us(0));
    return head + meta;
}

} // namespace gantry::bench
