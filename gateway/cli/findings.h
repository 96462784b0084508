// What `gantry doctor` found out, step by step, and which side is wrong.
#pragma once

#include "gateway/cli/commands.h"

#include <boost/json/array.hpp>

#include <string>
#include <string_view>

namespace gantry::cli {

/// Where to look for the fault.
enum class Side : std::uint8_t { none, ours, between, theirs };

class Findings {
public:
    explicit Findings(const Context& context) : json_(context.json) {}

    void good(std::string_view step, const std::string& says);

    /// Worth knowing, and nothing that stops images.
    void note(std::string_view step, const std::string& says);

    /// `advice`: what a person does about it.
    void bad(std::string_view step, const std::string& says, Side side, const std::string& advice);

    /// Prints the rest; the exit status.
    int finish(const std::string& name);

private:
    void add(std::string_view step, std::string_view verdict, const std::string& says);

    bool json_;
    bool healthy_ = true;
    boost::json::array steps_;
};

} // namespace gantry::cli
