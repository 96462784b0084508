#include "gateway/cli/print.h"

#include "config/load.h"
#include "gateway/error.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <iostream>

namespace gantry::cli {

std::optional<Config> load_config(const Context& context)
{
    config::LoadReport report = config::load(context.config);
    if (report.ok())
        return std::move(report.config);
    std::cerr << report.text();
    return std::nullopt;
}

int complain(const std::string& message)
{
    std::cerr << "gantry: " << message << "\n";
    return Exit::failed;
}

int complain(const Error& error)
{
    // Our own errors carry a whole sentence.
    const bool ours = error.code.category() == category() && !error.detail.empty();
    return complain(ours ? error.detail : error.text());
}

void print_line(std::string_view line)
{
    std::cout << line << "\n";
}

void print_json(const boost::json::object& object)
{
    std::cout << boost::json::serialize(object) << "\n";
}

std::string text_of(const DimseStatus& status)
{
    return fmt::format(
        "{:04X}{}{}", status.code, status.comment.empty() ? "" : " ", status.comment
    );
}

std::string text_of(const boost::json::object& object, std::string_view key)
{
    const boost::json::value* const value = object.if_contains(key);
    if (value == nullptr || value->is_null())
        return "";
    return value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value);
}

void print_table(const std::vector<std::vector<std::string>>& rows)
{
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size())
                line += std::string(widths[i] - row[i].size() + 2, ' ');
        }
        line.resize(line.find_last_not_of(' ') + 1);
        std::cout << line << "\n";
    }
}

} // namespace gantry::cli
