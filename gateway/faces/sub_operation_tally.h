// Counts the sub-operations of one retrieve (PS3.4 C.4.2.1.6): at every moment what remains, is
// completed, failed and completed with a warning add up to what is expected. Loop.
#pragma once

#include "dimse/service_provider.h"
#include "mapping/vocabulary/sop_reference.h"

#include <span>
#include <unordered_map>
#include <vector>

namespace gantry::faces {

class SubOperationTally {
public:
    enum class Outcome : std::uint8_t { completed, warning, failed };

    /// What is to be sent; again with more of it, if the origin has more than it said.
    void expect(std::span<const InstanceKey> instances);

    /// Whether it is expected, and has neither been claimed nor counted. From now on it is claimed.
    bool claim(const Uid& sop_instance);

    /// Once for each instance; a second outcome of the same changes nothing.
    void count(const Uid& sop_instance, Outcome outcome);

    /// All that remains has failed.
    void fail_rest();

    std::size_t expected() const noexcept { return states_.size(); }

    const dimse::SubOperations& counts() const noexcept { return counts_; }

    /// In the order in which they were expected.
    std::vector<Uid> failed() const;

private:
    enum class State : std::uint8_t { expected, claimed, done, failed };

    std::unordered_map<Uid, State> states_;
    std::vector<Uid> order_;
    dimse::SubOperations counts_;
};

} // namespace gantry::faces
