#include "config/problem.h"

#include <algorithm>
#include <utility>

namespace gantry::config {

void Problems::add(Severity severity, Place place, std::string message)
{
    if (severity == Severity::error)
        ++errors_;
    if (list_.size() > most)
        return;
    if (list_.size() == most) {
        list_.push_back({Severity::error, list_.back().place, "and more: only so many are listed"});
        return;
    }
    const auto after = std::ranges::upper_bound(list_, place, {}, &Problem::place);
    list_.insert(after, {severity, place, std::move(message)});
}

std::vector<Problem> Problems::take()
{
    errors_ = 0;
    return std::exchange(list_, {});
}

} // namespace gantry::config
