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

/// Preamble and file meta group of an instance in Explicit VR Little Endian (PS3.10 7.1).
std::string file_head(std::string sop_class, std::string sop_instance);

} // namespace gantry::bench
