// A list of instances that takes some 40 bytes for each. Pure.
#pragma once

#include "gateway/origins/cache/packed_uid.h"
#include "gateway/origins/cache/scope.h"
#include "mapping/vocabulary/sop_reference.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gantry::cache {

class InstanceList {
public:
    struct Series {
        Uid study;
        Uid series;
        friend auto operator<=>(const Series&, const Series&) = default;
    };

    InstanceList() = default;
    explicit InstanceList(std::span<const InstanceKey> keys);

    void add(const InstanceKey& key);
    /// Those of another list that `scope` holds, in their order; null: all.
    void append(const InstanceList& from, const Scope* scope);
    /// One list for each of series().
    std::vector<InstanceList> by_series() const;

    std::size_t size() const noexcept { return entries_.size(); }

    bool empty() const noexcept { return entries_.empty(); }

    /// In order of appearance.
    const std::vector<Series>& series() const noexcept { return series_; }

    /// Of one instance, as a place in series().
    std::size_t series_of(std::size_t at) const { return entries_[at].series; }

    const PackedUid& sop(std::size_t at) const { return entries_[at].sop; }

    const Uid& sop_class(std::size_t at) const { return uids_[entries_[at].sop_class]; }

    /// All that there are, each once.
    std::vector<Uid> sop_classes() const;
    InstanceKey key(std::size_t at) const;
    std::vector<InstanceKey> keys() const;

private:
    struct Entry {
        PackedUid sop;
        std::uint32_t series = 0;
        std::uint16_t sop_class = 0;
        std::uint16_t syntax = 0;
    };

    std::uint16_t number_of(const Uid& uid);
    std::uint32_t place_of(const Uid& study, const Uid& series);

    std::vector<Entry> entries_;
    std::vector<Series> series_;
    std::vector<Uid> uids_{Uid{}}; // classes and syntaxes
    std::unordered_map<Uid, std::uint16_t> numbers_{{Uid{}, std::uint16_t{0}}};
    std::unordered_map<Uid, std::uint32_t> places_; // of series
};

} // namespace gantry::cache
