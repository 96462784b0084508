// Expected failures are values: Result<T> holds a T or an Error. Each folder has its own error
// category.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <string>
#include <utility>

namespace gantry {

/// What went wrong (code, of the folder's category) and with what (detail; never patient data,
/// never a secret).
struct Error {
    boost::system::error_code code;
    std::string detail;

    /// "detail: message of the code", for logs and people.
    std::string text() const
    {
        return detail.empty() ? code.message() : detail + ": " + code.message();
    }
};

/// Result<T>::value() of a failed result throws this as boost::system::system_error; use it in
/// tests and at start-up only.
[[noreturn]] inline void
throw_exception_from_error(const Error& error, const boost::source_location&)
{
    throw boost::system::system_error(error.code, error.detail);
}

template <class T = void>
using Result = boost::system::result<T, Error>;

} // namespace gantry
