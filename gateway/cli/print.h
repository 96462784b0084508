// What the commands share in printing and in reading the configuration.
#pragma once

#include "config/config.h"
#include "gateway/cli/commands.h"
#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/result.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::cli {

/// The configuration, or its problems on stderr. Warnings are left to `gantry check`.
std::optional<Config> load_config(const Context& context);

/// One line on stderr: "gantry: ...". Returns Exit::failed.
int complain(const std::string& message);
int complain(const Error& error);

void print_line(std::string_view line);

/// One object as a line of JSON.
void print_json(const boost::json::object& object);

/// A status as it came: "A700 out of resources", "0000" (PS3.7 C).
std::string text_of(const DimseStatus& status);

/// The text of a member; numbers and times as they are, null as nothing.
std::string text_of(const boost::json::object& object, std::string_view key);

/// Columns as wide as their widest cell; the last one is not padded.
void print_table(const std::vector<std::vector<std::string>>& rows);

} // namespace gantry::cli
