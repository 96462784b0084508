#include "gateway/operation/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

namespace gantry::operation {

namespace {

/// "<6>": the priority that journald reads from a service's stdout (sd-daemon(3)).
class Priority final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out)
        override
    {
        const std::string_view text = of(message.level);
        out.append(text.data(), text.data() + text.size());
    }

    std::unique_ptr<custom_flag_formatter> clone() const override
    {
        return std::make_unique<Priority>();
    }

private:
    static std::string_view of(spdlog::level::level_enum level)
    {
        switch (level) {
        case spdlog::level::critical: return "<2>";
        case spdlog::level::err: return "<3>";
        case spdlog::level::warn: return "<4>";
        case spdlog::level::info: return "<6>";
        default: return "<7>";
        }
    }
};

spdlog::level::level_enum of(config::LogLevel level)
{
    switch (level) {
    case config::LogLevel::debug: return spdlog::level::debug;
    case config::LogLevel::info: return spdlog::level::info;
    case config::LogLevel::warn: return spdlog::level::warn;
    case config::LogLevel::error: return spdlog::level::err;
    }
    return spdlog::level::info;
}

std::unique_ptr<spdlog::formatter> formatter(bool journal)
{
    auto made = std::make_unique<spdlog::pattern_formatter>();
    made->add_flag<Priority>('*');
    // journald keeps the time and the level by itself.
    made->set_pattern(journal ? "%*%n: %v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %n: %v");
    return made;
}

} // namespace

void start_logging(config::LogLevel level)
{
    const auto sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
    const auto main = std::make_shared<spdlog::logger>("gantry", sink);
    spdlog::drop_all();
    spdlog::set_default_logger(main);
    for (const char* const folder : {"dimse", "web", "gateway", "custody"})
        spdlog::register_logger(std::make_shared<spdlog::logger>(folder, sink));
    spdlog::set_formatter(formatter(std::getenv("JOURNAL_STREAM") != nullptr));
    spdlog::set_level(of(level));
    spdlog::flush_on(spdlog::level::debug);
}

} // namespace gantry::operation
