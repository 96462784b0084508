// What a retrieve covers, as far as that can be told without a list: one study, or named series or
// instances of it. Pure.
#pragma once

#include "gateway/origin.h"

#include <optional>
#include <vector>

namespace gantry::cache {

struct Scope {
    Uid study;
    std::vector<Uid> series;    // in order; empty: all
    std::vector<Uid> instances; // in order; empty: all

    /// Nothing where it is not one study that is asked for.
    static std::optional<Scope> of(const RetrieveQuestion& question);

    bool holds(const InstanceKey& key) const;
    /// Is any of that series in it?
    bool holds_series(const Uid& in_study, const Uid& uid) const;
    bool covers(const Scope& other) const;
    /// May there be instances that both hold?
    bool meets(const Scope& other) const;
};

} // namespace gantry::cache
