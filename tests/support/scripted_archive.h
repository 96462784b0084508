// An archive that answers finds and retrieves as a test tells it to, and notes what it was asked.
#pragma once

#include "gateway/origin.h"
#include "support/data_sets.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace gantry::tests {

/// An instance of no bytes.
class EmptyContent final : public InstanceContent {
public:
    explicit EmptyContent(InstanceKey key) : key_(std::move(key)) {}

    const InstanceKey& key() const override { return key_; }

    AeTitle source_ae() const override { return {}; }

    Bytes length() const override { return {}; }

    asio::awaitable<Result<ConstBytes>> read() override { co_return ConstBytes{}; }

    void rewind() override {}

private:
    InstanceKey key_;
};

class ScriptedArchive final : public Origin {
public:
    explicit ScriptedArchive(std::string name) : name_(std::move(name)) {}

    std::vector<std::string> matches; // as data_set() reads them
    FindEnd end{true};
    std::vector<FindQuestion> found; // questions
    std::size_t taken = 0;           // matches that the asker took

    std::vector<InstanceKey> holds;
    std::set<Uid> loses; // has them, and does not give them
    bool down = false;   // cannot say what it has
    std::vector<RetrieveQuestion> retrieved;

    std::function<asio::awaitable<void>()> before; // each answer

    const std::string& name() const override { return name_; }

    Abilities abilities() const override { return {true, true, false, false}; }

    asio::awaitable<FindEnd> find(FindQuestion question, FindSink& sink) override
    {
        found.push_back(std::move(question));
        if (before)
            co_await before();
        for (const std::string& match : matches) {
            const auto given = co_await sink.match(data_set(match));
            if (!given)
                co_return FindEnd{false, Shortfall::failed, given.error().text()};
            ++taken;
        }
        co_return end;
    }

    asio::awaitable<RetrieveEnd> retrieve(RetrieveQuestion question, RetrieveSink& sink) override
    {
        retrieved.push_back(question);
        if (before)
            co_await before();
        RetrieveEnd ended;
        ended.shortfall = Shortfall::unavailable;
        ended.reason = "down";
        if (down)
            co_return ended;
        std::vector<InstanceKey> asked;
        for (const InstanceKey& key : holds)
            if (question.instances.empty() ||
                std::ranges::find(question.instances, key.sop.sop_instance) !=
                    question.instances.end())
                asked.push_back(key);
        const auto expected = co_await sink.expect(asked);
        if (!expected)
            co_return ended;
        ended.complete = true;
        for (const InstanceKey& key : asked) {
            if (loses.contains(key.sop.sop_instance)) {
                ended.complete = false;
                ended.missing.push_back(key.sop);
                continue;
            }
            auto content = std::make_unique<EmptyContent>(key);
            const auto given = co_await sink.instance(std::move(content));
            if (!given)
                co_return ended;
        }
        co_return ended;
    }

    asio::awaitable<std::vector<StoreOutcome>>
    store(std::vector<std::unique_ptr<InstanceContent>> batch) override
    {
        co_return std::vector<StoreOutcome>(batch.size());
    }

    asio::awaitable<Result<std::vector<bool>>> verify(std::vector<InstanceKey> instances) override
    {
        co_return std::vector<bool>(instances.size(), false);
    }

    asio::awaitable<Health> health() override { co_return Health{}; }

private:
    std::string name_;
};

} // namespace gantry::tests
