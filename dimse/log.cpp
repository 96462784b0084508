#include "dimse/log.h"

#include <spdlog/spdlog.h>

#include <memory>

namespace gantry::dimse {

spdlog::logger& log()
{
    static const std::shared_ptr<spdlog::logger> logger = [] {
        auto registered = spdlog::get("dimse");
        return registered ? registered : spdlog::default_logger()->clone("dimse");
    }();
    return *logger;
}

} // namespace gantry::dimse
