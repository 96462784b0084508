#include "gateway/origins/cache/instance_list.h"

namespace gantry::cache {

InstanceList::InstanceList(std::span<const InstanceKey> keys)
{
    entries_.reserve(keys.size());
    for (const InstanceKey& key : keys)
        add(key);
}

// What an origin makes up beyond all measure is not known, which is allowed.
std::uint16_t InstanceList::number_of(const Uid& uid)
{
    const auto known = numbers_.find(uid);
    if (known != numbers_.end())
        return known->second;
    if (uids_.size() > UINT16_MAX)
        return 0;
    const auto number = static_cast<std::uint16_t>(uids_.size());
    numbers_.emplace(uid, number);
    uids_.push_back(uid);
    return number;
}

void InstanceList::add(const InstanceKey& key)
{
    auto [place, is_new] =
        places_.try_emplace(key.series, static_cast<std::uint32_t>(series_.size()));
    if (!is_new && series_[place->second].study != key.study) { // the same UID in another study
        is_new = true;
        place->second = static_cast<std::uint32_t>(series_.size());
    }
    if (is_new)
        series_.push_back({key.study, key.series});
    entries_.push_back(
        {PackedUid(key.sop.sop_instance),
         place->second,
         number_of(key.sop.sop_class),
         number_of(key.transfer_syntax)}
    );
}

InstanceKey InstanceList::key(std::size_t at) const
{
    const Entry& entry = entries_[at];
    const Series& in = series_[entry.series];
    return {in.study, in.series, {uids_[entry.sop_class], entry.sop.unpack()}, uids_[entry.syntax]};
}

std::vector<InstanceKey> InstanceList::keys() const
{
    std::vector<InstanceKey> out;
    out.reserve(size());
    for (std::size_t at = 0; at < size(); ++at)
        out.push_back(key(at));
    return out;
}

} // namespace gantry::cache
