// What the fuzz targets of parsers of data sets have in common.
#pragma once

#include "mapping/vocabulary/bytes.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace gantry::fuzz {

inline void require(bool holds)
{
    if (!holds)
        std::abort();
}

struct Choices {
    const TransferSyntax& syntax;
    std::size_t piece;
    ConstBytes bytes;
};

inline Choices choices(const std::uint8_t* data, std::size_t size)
{
    constexpr std::string_view syntaxes[] = {
        transfer_syntax::implicit_le,
        transfer_syntax::explicit_le,
        transfer_syntax::explicit_be,
        transfer_syntax::deflated,
    };
    const std::size_t which = size > 0 ? data[0] % std::size(syntaxes) : 0;
    const std::size_t piece = size > 1 ? data[1] + 1U : 1U;
    const std::size_t used = std::min<std::size_t>(size, 2);
    return {
        TransferSyntax::of(syntaxes[which]),
        piece,
        std::as_bytes(std::span(data, size)).subspan(used)
    };
}

inline std::string_view text(const std::uint8_t* data, std::size_t size)
{
    return {reinterpret_cast<const char*>(data), size};
}

} // namespace gantry::fuzz
