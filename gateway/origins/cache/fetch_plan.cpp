#include "gateway/origins/cache/fetch_plan.h"

#include <algorithm>

namespace gantry::cache {

namespace {

std::vector<std::size_t> count_by_series(const InstanceList& list)
{
    std::vector<std::size_t> counts(list.series().size());
    for (std::size_t at = 0; at < list.size(); ++at)
        ++counts[list.series_of(at)];
    return counts;
}

} // namespace

PlannedFetch
plan_fetch(const InstanceList& list, std::span<const std::size_t> missing, const Scope* whole)
{
    PlannedFetch out;
    RetrieveQuestion& question = out.question;
    const std::size_t first = list.series_of(missing.front());
    const Uid& study = list.series()[first].study;
    question.studies = {study};
    const bool all_listed = whole != nullptr && whole->instances.empty();
    if (all_listed && whole->series.empty() && missing.size() == list.size()) {
        question.level = QueryLevel::study;
        out.places.assign(missing.begin(), missing.end());
        return out;
    }
    const std::vector<std::size_t> there = count_by_series(list);
    std::vector<std::size_t> lacks(there.size());
    for (const std::size_t at : missing)
        ++lacks[list.series_of(at)];
    std::vector<bool> asked(there.size());
    for (std::size_t series = 0; series < there.size(); ++series)
        asked[series] = all_listed && lacks[series] > 0 && lacks[series] == there[series] &&
                        list.series()[series].study == study;
    const bool by_series = std::ranges::find(asked, true) != asked.end();
    if (!by_series)
        asked[first] = true;
    question.level = by_series ? QueryLevel::series : QueryLevel::image;
    for (std::size_t series = 0; series < asked.size(); ++series)
        if (asked[series])
            question.series.push_back(list.series()[series].series);
    for (const std::size_t at : missing) {
        if (!asked[list.series_of(at)])
            continue;
        out.places.push_back(at);
        if (!by_series)
            question.instances.push_back(list.sop(at).unpack());
    }
    return out;
}

} // namespace gantry::cache
