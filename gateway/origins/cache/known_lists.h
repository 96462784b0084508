// What an origin said that its studies and series hold, and when. Loop; bounded, the study that was
// asked for longest ago is forgotten first.
#pragma once

#include "gateway/loop/clock.h"
#include "gateway/origins/cache/instance_list.h"
#include "gateway/origins/cache/scope.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace gantry::cache {

class KnownLists {
public:
    static constexpr std::size_t most_instances = 200'000;

    struct Known {
        InstanceList list;
        SteadyTime asked; // of what was asked for longest ago
    };

    explicit KnownLists(std::size_t most = most_instances) : most_(most) {}

    /// What was said of `scope` to a question asked at that time. Of named instances nothing is
    /// learned.
    void learn(const Scope& scope, const InstanceList& list, SteadyTime asked);
    /// What is known of `scope` and was asked at `since` or later.
    std::optional<Known> known(const Scope& scope, SteadyTime since) const;
    void forget(const Uid& study);

private:
    struct Series {
        std::shared_ptr<const InstanceList> list;
        SteadyTime asked;
    };

    struct Study {
        std::unordered_map<Uid, Series> series;
        std::vector<Uid> order;          // of the series, when the study was asked for
        std::optional<SteadyTime> whole; // when the study was asked for as a whole
        SteadyTime last;
    };

    void put(Study& study, const Uid& series, Series said);
    void make_room(const Uid& but_not);

    std::unordered_map<Uid, Study> studies_;
    std::size_t most_;
    std::size_t held_ = 0; // instances
};

} // namespace gantry::cache
