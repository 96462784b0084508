#include "gateway/faces/sub_operation_tally.h"

namespace gantry::faces {

void SubOperationTally::expect(std::span<const InstanceKey> instances)
{
    for (const InstanceKey& key : instances) {
        if (!states_.emplace(key.sop.sop_instance, State::expected).second)
            continue;
        order_.push_back(key.sop.sop_instance);
        ++counts_.remaining;
    }
}

bool SubOperationTally::claim(const Uid& sop_instance)
{
    const auto found = states_.find(sop_instance);
    if (found == states_.end() || found->second != State::expected)
        return false;
    found->second = State::claimed;
    return true;
}

void SubOperationTally::count(const Uid& sop_instance, Outcome outcome)
{
    const auto found = states_.find(sop_instance);
    if (found == states_.end() || found->second == State::done || found->second == State::failed)
        return;
    found->second = outcome == Outcome::failed ? State::failed : State::done;
    --counts_.remaining;
    switch (outcome) {
    case Outcome::completed: ++counts_.completed; break;
    case Outcome::warning: ++counts_.warning; break;
    case Outcome::failed: ++counts_.failed; break;
    }
}

void SubOperationTally::fail_rest()
{
    for (const Uid& sop_instance : order_)
        count(sop_instance, Outcome::failed);
}

std::vector<Uid> SubOperationTally::failed() const
{
    std::vector<Uid> out;
    for (const Uid& sop_instance : order_)
        if (states_.at(sop_instance) == State::failed)
            out.push_back(sop_instance);
    return out;
}

} // namespace gantry::faces
