// The error category of gateway/: what can go wrong here, as values.
#pragma once

#include "mapping/vocabulary/result.h"

#include <string>
#include <type_traits>

namespace gantry {

enum class Errc {
    spool_full = 1, // free space is below the low-water mark
    queue_full,     // more is waiting for delivery than we may hold
    damaged,        // a spool file is not what was acknowledged
    disk,           // the disk or its file system refused
    database,       // the queue's or archive's database refused
    in_use,         // another process holds the state folder
    newer_schema,   // the database was written by a newer gantry
    not_found,      // no such row, slot, instance or destination
    unavailable,    // an origin does not answer
    invalid,        // what was given cannot be kept as it is
    unsupported,    // not offered by this origin or this release
    closed          // shutting down
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
