#include "config/load.h"

#include "config/read.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace gantry::config {

namespace {

constexpr Choice<LogLevel> log_levels[] = {
    {"debug", LogLevel::debug},
    {"info", LogLevel::info},
    {"warn", LogLevel::warn},
    {"error", LogLevel::error},
};

void read_all(Section& top, Reading& reading)
{
    Config& config = reading.config;
    top.read("state_dir", config.state_dir);
    top.read("log_level", config.log_level, log_levels);
    top.read("drain_timeout", config.drain_timeout, std::chrono::milliseconds(0));
    read_dimse(top.section("dimse"), reading);
    read_web(top.section("web"), reading);
    read_admin(top.section("admin"), reading);
    read_peers(top.list("peers"), reading);
    read_origins(top.list("origins"), reading);
    read_routes(top.section("routes"), reading);
    read_custody(top.section("custody"), config.custody);
    read_cache(top.section("cache"), config.cache);
    Section commit = top.section("commit");
    commit.read("deadline", config.commit.deadline);
    commit.finish();
    top.finish();
    check_clashes(reading);
}

LoadReport failed(std::string name, std::string message)
{
    LoadReport report;
    report.name = std::move(name);
    report.problems.push_back({Severity::error, {}, std::move(message)});
    return report;
}

} // namespace

void read_custody(Section section, Custody& custody)
{
    section.read("min_free", custody.min_free, 16_MiB);
    section.read("max_queued", custody.max_queued, 1);
    section.read("keep_delivered", custody.keep_delivered, std::chrono::milliseconds(0));
    section.read("ledger_age", custody.ledger_age, std::chrono::hours(1));
    section.finish();
    if (custody.ledger_age < custody.keep_delivered)
        section.error("ledger_age", "is shorter than keep_delivered");
}

void read_cache(Section section, Cache& cache)
{
    section.read("max_size", cache.max_size);
    section.read("min_free", cache.min_free);
    section.read("max_age", cache.max_age, std::chrono::seconds(1));
    section.read("list_age", cache.list_age, std::chrono::milliseconds(0));
    section.finish();
    if (cache.max_size.count != 0 && cache.max_size < 64_MiB)
        section.error("max_size", "must be 0 (nothing is kept) or at least 64MiB");
}

LoadReport load_text(std::string_view text, std::string name)
{
    LoadReport report;
    report.name = std::move(name);
    if (text.size() > most_file_size.count)
        return failed(std::move(report.name), "is larger than 1 MiB: this is no configuration");
    Problems problems;
    const TreeNode root = parse_tree(text, problems);
    // What a broken document seems to lack says nothing: syntax first.
    if (!problems.has_errors() || root.kind == TreeNode::Kind::map) {
        Section top(&root, "", problems);
        const std::filesystem::path file(report.name);
        Reading reading{report.config, problems, {}, {}, {}, file.parent_path()};
        read_all(top, reading);
    }
    report.problems = problems.take();
    return report;
}

LoadReport load(const std::filesystem::path& path)
{
    std::error_code ec;
    if (!std::filesystem::is_regular_file(path, ec))
        return failed(path.string(), ec ? ec.message() : "is not a file");
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return failed(path.string(), "cannot be read: " + std::generic_category().message(errno));
    std::string text(most_file_size.count + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad())
        return failed(path.string(), "cannot be read");
    return load_text(text, path.string());
}

bool LoadReport::ok() const
{
    return std::ranges::none_of(problems, [](const Problem& each) {
        return each.severity == Severity::error;
    });
}

std::string LoadReport::text() const
{
    std::string out;
    for (const Problem& each : problems) {
        out += name + ":";
        if (each.place.line != 0)
            out += std::to_string(each.place.line) + ":" + std::to_string(each.place.column) + ":";
        out += each.severity == Severity::error ? " error: " : " warning: ";
        out += each.message + "\n";
    }
    return out;
}

} // namespace gantry::config
