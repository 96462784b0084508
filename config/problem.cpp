#include "config/problem.h"

#include <algorithm>
#include <utility>

namespace gantry::config {

void Problems::add(Severity severity, Place place, std::string message)
{
    if (severity == Severity::error)
        ++errors_;
    if (list_.size() < most)
        list_.push_back({severity, place, std::move(message)});
    else if (list_.size() == most)
        list_.push_back({Severity::error, place, "and more: only the first problems are listed"});
}

std::vector<Problem> Problems::take()
{
    std::ranges::stable_sort(list_, {}, &Problem::place);
    errors_ = 0;
    return std::exchange(list_, {});
}

} // namespace gantry::config
