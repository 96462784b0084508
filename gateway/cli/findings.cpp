#include "gateway/cli/findings.h"

#include "gateway/cli/print.h"

#include <boost/json/object.hpp>

#include <utility>

namespace gantry::cli {

namespace {

std::string_view name_of(Side side)
{
    switch (side) {
    case Side::none: return "";
    case Side::ours: return "this side";
    case Side::between: return "the network between";
    case Side::theirs: return "the other side";
    }
    return "";
}

} // namespace

void Findings::add(std::string_view step, std::string_view verdict, const std::string& says)
{
    if (json_)
        steps_.push_back(boost::json::object{{"step", step}, {"verdict", verdict}, {"says", says}});
    else
        print_line(
            std::string(verdict) + std::string(6 - verdict.size(), ' ') + std::string(step) + ": " +
            says
        );
}

void Findings::good(std::string_view step, const std::string& says)
{
    add(step, "ok", says);
}

void Findings::note(std::string_view step, const std::string& says)
{
    add(step, "note", says);
}

void Findings::bad(
    std::string_view step, const std::string& says, Side side, const std::string& advice
)
{
    healthy_ = false;
    add(step, "WRONG", says);
    if (json_) {
        boost::json::object& last = steps_.back().as_object();
        last.emplace("side", name_of(side));
        last.emplace("advice", advice);
    } else {
        print_line("      look at " + std::string(name_of(side)) + ": " + advice);
    }
}

int Findings::finish(const std::string& name)
{
    if (json_)
        print_json({{"name", name}, {"ok", healthy_}, {"steps", std::exchange(steps_, {})}});
    else
        print_line(name + (healthy_ ? " is well" : " is not well"));
    return healthy_ ? Exit::done : Exit::failed;
}

} // namespace gantry::cli
