// The error category of config/: what can go wrong here, as values.
#pragma once

#include "mapping/vocabulary/result.h"

#include <string>
#include <type_traits>

namespace gantry::config {

enum class Errc {
    bad_value = 1, // a value that does not mean anything in its place; the detail says why
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

} // namespace gantry::config

template <>
struct boost::system::is_error_code_enum<gantry::config::Errc> : std::true_type {};
