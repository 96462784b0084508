// The error category of gateway/: what can go wrong here, as values.
#pragma once

#include "mapping/vocabulary/result.h"

#include <string>
#include <type_traits>

namespace gantry {

enum class Errc {
    malformed = 1, // the other side sent what its protocol forbids
};

const boost::system::error_category& category() noexcept;

inline boost::system::error_code make_error_code(Errc code) noexcept
{
    return {static_cast<int>(code), category()};
}

inline Error error(Errc code, std::string detail = {})
{
    return {make_error_code(code), std::move(detail)};
}

} // namespace gantry

template <>
struct boost::system::is_error_code_enum<gantry::Errc> : std::true_type {};
