// How what is missing is asked for: never more than that, and with as few words as possible. Pure.
#pragma once

#include "gateway/origin.h"
#include "gateway/origins/cache/instance_list.h"
#include "gateway/origins/cache/scope.h"

#include <cstddef>
#include <span>
#include <vector>

namespace gantry::cache {

struct PlannedFetch {
    RetrieveQuestion question;
    std::vector<std::size_t> places; // of what it brings, in the list
};

/// The next question for `missing`, which is not empty: places in `list`, in order. `whole`: the
/// list is all that there is of its one study, or of the series that it names. A study of which all
/// is missing is asked for as one, else series of which all is missing together, else the instances
/// of one series by name. What it leaves over is the next one's.
PlannedFetch
plan_fetch(const InstanceList& list, std::span<const std::size_t> missing, const Scope* whole);

} // namespace gantry::cache
