// The error category of dimse/: what can go wrong here, as values.
#pragma once

#include "mapping/vocabulary/result.h"

#include <string>
#include <type_traits>

namespace gantry::dimse {

enum class Errc {
    malformed = 1, // the other side sent what its protocol forbids
    not_resolved,  // no address for the peer's host name
    not_connected, // no TCP connection to the peer
    rejected,      // A-ASSOCIATE-RJ; the detail says result, source and reason
    aborted,       // A-ABORT from the peer
    released,      // the peer released in the middle of an exchange
    closed,        // the connection is gone without a word
    timeout,       // the peer was silent for too long
    stopped,       // we are asked to end
    no_context,    // the peer accepted no presentation context for it
    not_granted,   // extended negotiation: the peer does not do what is needed; nothing was asked
    busy,          // none of the associations that the peer allows us came free in time
    unreadable,    // our own file cannot be read, or is not what it should be
    set_up         // the process cannot speak DIMSE at all
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

} // namespace gantry::dimse

template <>
struct boost::system::is_error_code_enum<gantry::dimse::Errc> : std::true_type {};
