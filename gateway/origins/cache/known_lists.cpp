#include "gateway/origins/cache/known_lists.h"

#include <algorithm>
#include <utility>

namespace gantry::cache {

namespace {

constexpr std::size_t study_weight = 8; // in instances: of a study that holds none

using BySeries = std::unordered_map<Uid, std::shared_ptr<InstanceList>>;

BySeries parted(const Scope& scope, const InstanceList& list)
{
    BySeries parts;
    for (const Uid& series : scope.series) // of which there may be nothing
        parts[series] = std::make_shared<InstanceList>();
    for (InstanceList& part : list.by_series()) {
        const InstanceList::Series& one = part.series().front();
        if (scope.holds_series(one.study, one.series))
            parts[Uid(one.series)] = std::make_shared<InstanceList>(std::move(part));
    }
    return parts;
}

} // namespace

void KnownLists::put(Study& study, const Uid& series, Series said)
{
    held_ += said.list->size();
    Series& here = study.series[series];
    if (here.list)
        held_ -= here.list->size();
    here = std::move(said);
}

void KnownLists::learn(const Scope& scope, const InstanceList& list, SteadyTime asked)
{
    if (!scope.instances.empty())
        return;
    const bool whole = scope.series.empty();
    if (whole)
        forget(scope.study);
    Study& study = studies_[scope.study];
    study.last = std::max(study.last, asked);
    for (auto& [series, part] : parted(scope, list)) {
        if (!whole && !part->empty() && !study.series.contains(series))
            study.whole.reset(); // it has grown since
        put(study, series, {std::move(part), asked});
    }
    if (whole) {
        study.whole = asked;
        for (const InstanceList::Series& one : list.series())
            if (one.study == scope.study)
                study.order.push_back(one.series);
    }
    make_room(scope.study);
}

std::optional<KnownLists::Known> KnownLists::known(const Scope& scope, SteadyTime since) const
{
    const auto found = studies_.find(scope.study);
    if (found == studies_.end())
        return std::nullopt;
    const Study& study = found->second;
    Known known{{}, SteadyTime::max()};
    if (scope.series.empty()) {
        if (!study.whole || *study.whole < since)
            return std::nullopt;
        known.asked = *study.whole;
    }
    for (const Uid& uid : scope.series.empty() ? study.order : scope.series) {
        const auto series = study.series.find(uid);
        if (series == study.series.end()) {
            // A study that was asked for as a whole has no other series.
            if (!study.whole || *study.whole < since)
                return std::nullopt;
            known.asked = std::min(known.asked, *study.whole);
            continue;
        }
        if (series->second.asked < since)
            return std::nullopt;
        known.asked = std::min(known.asked, series->second.asked);
        known.list.append(*series->second.list, &scope);
    }
    return known;
}

void KnownLists::forget(const Uid& study)
{
    const auto found = studies_.find(study);
    if (found == studies_.end())
        return;
    for (const auto& [uid, series] : found->second.series)
        held_ -= series.list->size();
    studies_.erase(found);
}

void KnownLists::make_room(const Uid& but_not)
{
    const auto too_much = [this] { return held_ + studies_.size() * study_weight > most_; };
    while (too_much() && studies_.size() > 1) {
        auto oldest = studies_.end();
        for (auto at = studies_.begin(); at != studies_.end(); ++at)
            if (at->first != but_not &&
                (oldest == studies_.end() || at->second.last < oldest->second.last))
                oldest = at;
        if (oldest == studies_.end())
            return;
        forget(Uid(oldest->first));
    }
    if (too_much())
        forget(Uid(but_not));
}

} // namespace gantry::cache
