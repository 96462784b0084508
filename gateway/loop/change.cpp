#include "gateway/loop/change.h"

#include <utility>

namespace gantry {

Change::Change(asio::any_io_executor loop)
    : timer_(std::move(loop), asio::steady_timer::time_point::max())
{
}

asio::awaitable<void> Change::wait()
{
    (void)co_await timer_.async_wait(use_tuple);
}

} // namespace gantry
