// The logger of web/: "web" where the process has registered one, else the process's own.
#pragma once

#include <spdlog/spdlog.h>

namespace gantry::web {

inline spdlog::logger& log_of_web()
{
    const auto own = spdlog::get("web");
    return own ? *own : *spdlog::default_logger_raw();
}

} // namespace gantry::web
