// Elements of the data sets that the measuring tools make. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace gantry::bench {

/// Appends one element in Explicit VR Little Endian (PS3.5 7.1.2).
void put(
    std::string& out, unsigned group, unsigned element, std::string_view vr, std::string value
);

/// The value of a US element.
std::string us(unsigned value);

} // namespace gantry::bench
