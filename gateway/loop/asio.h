// The few names of Asio that everybody uses.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace gantry {

namespace asio = boost::asio;

/// co_await op(..., use_tuple) gives (error_code, results...) and does not throw.
inline constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

} // namespace gantry
