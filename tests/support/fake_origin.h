// An archive that does what a test tells it to.
#pragma once

#include "gateway/origin.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gantry::tests {

class FakeOrigin final : public Origin {
public:
    using Batch = std::vector<std::unique_ptr<InstanceContent>>;
    using Outcomes = std::vector<StoreOutcome>;

    explicit FakeOrigin(std::string name) : name_(std::move(name)) {}

    /// What store() does; without it everything is stored.
    std::function<asio::awaitable<Outcomes>(Batch&)> on_store;
    std::function<Health()> on_health;
    std::vector<std::size_t> batches; // sizes, in order of arrival
    std::size_t probes = 0;
    std::size_t at_once = 0; // batches now
    std::size_t most_at_once = 0;

    static StoreOutcome outcome(StoreOutcome::Kind kind, std::string answer = "200")
    {
        StoreOutcome made;
        made.kind = kind;
        made.answer = std::move(answer);
        return made;
    }

    const std::string& name() const override { return name_; }

    Abilities abilities() const override { return {false, false, true, true}; }

    asio::awaitable<Outcomes> store(Batch batch) override
    {
        batches.push_back(batch.size());
        const Counted counted(*this);
        if (on_store)
            co_return co_await on_store(batch);
        co_return Outcomes(batch.size(), outcome(StoreOutcome::Kind::stored));
    }

    asio::awaitable<FindEnd> find(FindQuestion, FindSink&) override { co_return FindEnd{}; }

    asio::awaitable<RetrieveEnd> retrieve(RetrieveQuestion, RetrieveSink&) override
    {
        co_return RetrieveEnd{};
    }

    asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey> instances) override
    {
        co_return std::vector<bool>(instances.size(), true);
    }

    asio::awaitable<Health> health() override
    {
        ++probes;
        Health health;
        health.reachable = true;
        co_return on_health ? on_health() : health;
    }

private:
    struct Counted {
        explicit Counted(FakeOrigin& o) : origin(o)
        {
            origin.most_at_once = std::max(origin.most_at_once, ++origin.at_once);
        }

        ~Counted() { --origin.at_once; }

        Counted(const Counted&) = delete;
        Counted& operator=(const Counted&) = delete;
        FakeOrigin& origin;
    };

    std::string name_;
};

} // namespace gantry::tests
