// The error category of mapping/: what can go wrong here, as values.
#pragma once

#include "mapping/vocabulary/result.h"

#include <string>
#include <type_traits>

namespace gantry::mapping {

enum class Errc {
    malformed = 1, // the other side sent what its protocol forbids
    truncated,     // it ends in the middle of something
    too_deep,      // sequences are nested deeper than anything real
    too_large,     // one part of it is larger than anything real
    incomplete,    // not an error yet: more bytes are needed to say
    not_dicom,     // no DICOM file at all
    unsupported,   // understood, but not done here
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

} // namespace gantry::mapping

template <>
struct boost::system::is_error_code_enum<gantry::mapping::Errc> : std::true_type {};
