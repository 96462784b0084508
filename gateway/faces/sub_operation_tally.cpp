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

void SubOperationTally::expect_number(std::uint64_t instances)
{
    number_ = instances;
}

dimse::SubOperations SubOperationTally::counts() const noexcept
{
    dimse::SubOperations counts = counts_;
    counts.remaining += nameless();
    return counts;
}

/// Expected by number only.
std::uint32_t SubOperationTally::nameless() const noexcept
{
    const std::uint64_t named = states_.size();
    return !number_ || *number_ <= named ? 0 : static_cast<std::uint32_t>(*number_ - named);
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
    counts_.failed += nameless();
    number_.reset();
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
