#include "gateway/origins/cache/scope.h"

#include <algorithm>

namespace gantry::cache {

namespace {

using Uids = std::vector<Uid>;

Uids in_order(Uids uids)
{
    std::ranges::sort(uids);
    const auto same = std::ranges::unique(uids);
    uids.erase(same.begin(), same.end());
    return uids;
}

bool among(const Uids& uids, const Uid& uid)
{
    return uids.empty() || std::ranges::binary_search(uids, uid);
}

bool includes(const Uids& these, const Uids& others)
{
    return these.empty() || (!others.empty() && std::ranges::includes(these, others));
}

bool meet(const Uids& these, const Uids& others)
{
    if (these.empty() || others.empty())
        return true;
    return std::ranges::any_of(these, [&](const Uid& uid) { return among(others, uid); });
}

} // namespace

std::optional<Scope> Scope::of(const RetrieveQuestion& question)
{
    if (!question.patient_ids.empty() || question.studies.size() != 1)
        return std::nullopt;
    return Scope{question.studies.front(), in_order(question.series), in_order(question.instances)};
}

bool Scope::holds_series(const Uid& in_study, const Uid& uid) const
{
    return in_study == study && among(series, uid);
}

bool Scope::holds(const InstanceKey& key) const
{
    return holds_series(key.study, key.series) && among(instances, key.sop.sop_instance);
}

bool Scope::covers(const Scope& other) const
{
    return study == other.study && includes(series, other.series) &&
           includes(instances, other.instances);
}

bool Scope::meets(const Scope& other) const
{
    return study == other.study && meet(series, other.series) && meet(instances, other.instances);
}

} // namespace gantry::cache
