// Images made for rendering tests, and pictures read back.
#pragma once

#include "mapping/render.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace gantry::tests {

/// A frame of one row: 16 bits, signed.
struct RowImage {
    DcmDataset attributes;
    std::vector<std::byte> bytes;
    mapping::DecodedFrame frame;

    explicit RowImage(const std::vector<std::int16_t>& values)
        : bytes(values.size() * sizeof(std::int16_t))
    {
        std::memcpy(bytes.data(), values.data(), bytes.size());
        frame.shape = {1, static_cast<std::uint16_t>(values.size()), 1, 16, 16, true};
        frame.bytes = bytes;
        frame.photometric = "MONOCHROME2";
    }
};

inline std::vector<int> values_of(const mapping::Picture& picture)
{
    std::vector<int> values;
    for (const std::byte value : picture.values)
        values.push_back(std::to_integer<int>(value));
    return values;
}

inline std::vector<int>
rendered(DcmItem& item, const mapping::DecodedFrame& frame, const mapping::RenderOptions& how = {})
{
    const auto picture = mapping::render_frame(item, frame, how);
    REQUIRE_MESSAGE(picture.has_value(), picture.error().text());
    return values_of(*picture);
}

/// For messages and comparisons.
inline std::string listed(const std::vector<int>& values)
{
    std::string out;
    for (const int value : values)
        out += (out.empty() ? "" : " ") + std::to_string(value);
    return out;
}

/// The largest difference of two pictures of one size; 256: they have another size.
inline int difference(const std::vector<std::byte>& one, const std::vector<std::byte>& other)
{
    if (one.size() != other.size())
        return 256;
    int most = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        const int apart = std::to_integer<int>(one[i]) - std::to_integer<int>(other[i]);
        most = std::max(most, apart < 0 ? -apart : apart);
    }
    return most;
}

} // namespace gantry::tests
