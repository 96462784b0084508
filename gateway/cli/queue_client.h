// The queue as the command line sees it: through the running service, or read from its database
// while the service is down.
#pragma once

#include "config/config.h"
#include "mapping/vocabulary/result.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <functional>
#include <string_view>

namespace gantry::cli {

using OnRow = std::function<void(const boost::json::object&)>;

/// queue.list or queue.studies. Falls back to the database, with a word on stderr.
Result<void> read_queue(
    const Config& config,
    std::string_view command,
    const boost::json::object& args,
    const OnRow& on_row
);

/// Everything else: needs the running service.
Result<boost::json::value> ask_service(
    const Config& config,
    std::string_view command,
    const boost::json::object& args,
    const OnRow& on_row
);

} // namespace gantry::cli
