// Several origins behind one route: asked at once, and answered as if they were one. What one of
// them does not answer is said, and the others' answer still comes. Loop.
#pragma once

#include "gateway/origin.h"

#include <cstddef>
#include <string>
#include <vector>

namespace gantry {

struct OriginGroupLimits {
    std::size_t held_matches = 500;    // of an origin, while those listed before it are not done
    std::size_t max_matches = 500'000; // of one question: their unique keys are held
};

class OriginGroup final : public Origin {
public:
    /// At least two; they outlive the group. Those listed first win where several have the same.
    explicit OriginGroup(std::vector<Origin*> origins, OriginGroupLimits limits = {});

    /// Theirs, with "+" between them.
    const std::string& name() const override;
    /// Find and retrieve, where all of them can.
    Abilities abilities() const override;

    /// Matches of the first listed origin, then what the next has beyond it. Not complete where any
    /// of them is not; FindEnd::origin says which.
    asio::awaitable<FindEnd> find(FindQuestion question, FindSink& matches) override;
    /// Each instance from the first origin that has it, from another where that one fails. Not
    /// complete where an origin did not say what it has: `reason` names it.
    asio::awaitable<RetrieveEnd> retrieve(RetrieveQuestion question, RetrieveSink& sink) override;

    /// Not offered: a group is no destination. Every outcome is `unavailable`.
    asio::awaitable<std::vector<StoreOutcome>>
    store(std::vector<std::unique_ptr<InstanceContent>> batch) override;
    asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey> instances) override;
    /// Of the first that cannot be reached, else of the slowest.
    asio::awaitable<Health> health() override;

private:
    std::vector<Origin*> origins_;
    OriginGroupLimits limits_;
    std::string name_;
};

} // namespace gantry
