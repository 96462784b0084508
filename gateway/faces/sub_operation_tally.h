// Counts the sub-operations of one retrieve (PS3.4 C.4.2.1.6): at every moment what remains, is
// completed, failed and completed with a warning add up to what is expected. Loop.
#pragma once

#include "dimse/service_provider.h"
#include "mapping/vocabulary/sop_reference.h"

#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace gantry::faces {

class SubOperationTally {
public:
    enum class Outcome : std::uint8_t { completed, warning, failed };

    /// What is to be sent; again with more of it, if the origin has more than it said.
    void expect(std::span<const InstanceKey> instances);

    /// So many are to be sent, whatever their names; the last word counts.
    void expect_number(std::uint64_t instances);

    /// Whether more may have names by the end than have now.
    bool by_number() const noexcept { return number_.has_value(); }

    /// Whether it is expected, and has neither been claimed nor counted. From now on it is claimed.
    bool claim(const Uid& sop_instance);

    /// Once for each instance; a second outcome of the same changes nothing.
    void count(const Uid& sop_instance, Outcome outcome);

    /// All that remains has failed, whether or not it has a name.
    void fail_rest();

    std::size_t expected() const noexcept { return states_.size(); }

    dimse::SubOperations counts() const noexcept;

    /// Those that have names, in the order in which they were expected.
    std::vector<Uid> failed() const;

private:
    enum class State : std::uint8_t { expected, claimed, done, failed };

    std::uint32_t nameless() const noexcept;

    std::unordered_map<Uid, State> states_;
    std::vector<Uid> order_;
    std::optional<std::uint64_t> number_;
    dimse::SubOperations counts_; // of those that have names
};

} // namespace gantry::faces
