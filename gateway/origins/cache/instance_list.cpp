#include "gateway/origins/cache/instance_list.h"

#include <unordered_set>

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

std::uint32_t InstanceList::place_of(const Uid& study, const Uid& series)
{
    auto [place, is_new] = places_.try_emplace(series, static_cast<std::uint32_t>(series_.size()));
    if (!is_new && series_[place->second].study != study) { // the same UID in another study
        is_new = true;
        place->second = static_cast<std::uint32_t>(series_.size());
    }
    if (is_new)
        series_.push_back({study, series});
    return place->second;
}

void InstanceList::append(const InstanceList& from, const Scope* scope)
{
    std::unordered_set<PackedUid> named;
    if (scope != nullptr)
        for (const Uid& instance : scope->instances)
            named.emplace(instance);
    std::vector<std::uint16_t> numbers;
    for (const Uid& uid : from.uids_)
        numbers.push_back(number_of(uid));
    constexpr std::uint32_t none = UINT32_MAX;
    std::vector<std::uint32_t> places(from.series_.size(), none);
    std::vector<bool> held(from.series_.size(), true);
    for (std::size_t at = 0; at < held.size() && scope != nullptr; ++at)
        held[at] = scope->holds_series(from.series_[at].study, from.series_[at].series);
    for (const Entry& entry : from.entries_) {
        if (!held[entry.series] || (!named.empty() && !named.contains(entry.sop)))
            continue;
        std::uint32_t& place = places[entry.series];
        if (place == none)
            place = place_of(from.series_[entry.series].study, from.series_[entry.series].series);
        entries_.push_back({entry.sop, place, numbers[entry.sop_class], numbers[entry.syntax]});
    }
}

std::vector<InstanceList> InstanceList::by_series() const
{
    std::vector<InstanceList> parts(series_.size());
    for (std::size_t at = 0; at < parts.size(); ++at)
        (void)parts[at].place_of(series_[at].study, series_[at].series);
    for (const Entry& entry : entries_) {
        InstanceList& part = parts[entry.series];
        const std::uint16_t sop_class = part.number_of(uids_[entry.sop_class]);
        part.entries_.push_back({entry.sop, 0, sop_class, part.number_of(uids_[entry.syntax])});
    }
    return parts;
}

void InstanceList::add(const InstanceKey& key)
{
    const std::uint32_t place = place_of(key.study, key.series);
    entries_.push_back(
        {PackedUid(key.sop.sop_instance),
         place,
         number_of(key.sop.sop_class),
         number_of(key.transfer_syntax)}
    );
}

std::vector<Uid> InstanceList::sop_classes() const
{
    std::vector<bool> used(uids_.size());
    for (const Entry& entry : entries_)
        used[entry.sop_class] = true;
    std::vector<Uid> out;
    for (std::size_t at = 0; at < used.size(); ++at)
        if (used[at])
            out.push_back(uids_[at]);
    return out;
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
