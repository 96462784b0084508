#include "gateway/origins/group_retrieve.h"

#include "gateway/error.h"
#include "gateway/loop/all_of.h"

#include <algorithm>

namespace gantry {

/// What one origin has and gives.
class GroupRetrieve::Part final : public RetrieveSink {
public:
    Part(GroupRetrieve& whole, std::size_t index, Origin& origin)
        : whole_(whole), index_(index), origin_(origin)
    {
    }

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey> instances) override
    {
        holds = std::move(instances);
        co_return co_await whole_.expected(index_);
    }

    std::optional<std::vector<Uid>> acceptable(const Uid& sop_class) const override
    {
        return whole_.sink_->acceptable(sop_class);
    }

    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override
    {
        co_return co_await whole_.give(std::move(content));
    }

    Origin& origin() { return origin_; }

    bool has(const Uid& instance) const
    {
        return std::ranges::any_of(holds, [&](const InstanceKey& key) {
            return key.sop.sop_instance == instance;
        });
    }

    std::vector<InstanceKey> holds;
    bool decided = false;  // it said what it has, or that it cannot
    bool answered = false; // it said what it has
    bool partly = false;   // others have some of it: what is left is asked for by itself
    RetrieveEnd end;

private:
    GroupRetrieve& whole_;
    std::size_t index_;
    Origin& origin_;
};

/// Takes what an origin is asked for by itself.
class GroupRetrieve::Rest final : public RetrieveSink {
public:
    explicit Rest(GroupRetrieve& whole) : whole_(whole) {}

    asio::awaitable<Result<void>> expect(std::vector<InstanceKey>) override
    {
        co_return Result<void>{};
    }

    std::optional<std::vector<Uid>> acceptable(const Uid& sop_class) const override
    {
        return whole_.sink_->acceptable(sop_class);
    }

    asio::awaitable<Result<void>> instance(std::unique_ptr<InstanceContent> content) override
    {
        co_return co_await whole_.give(std::move(content));
    }

private:
    GroupRetrieve& whole_;
};

GroupRetrieve::GroupRetrieve(asio::any_io_executor loop, const std::vector<Origin*>& origins)
    : change_(std::move(loop)), undecided_(origins.size())
{
    for (Origin* origin : origins)
        parts_.push_back(std::make_unique<Part>(*this, parts_.size(), *origin));
}

GroupRetrieve::~GroupRetrieve() = default;

asio::awaitable<RetrieveEnd> GroupRetrieve::run(RetrieveQuestion question, RetrieveSink& sink)
{
    question_ = std::move(question);
    sink_ = &sink;
    auto one = [this](std::size_t index) { return ask(index); };
    std::function<asio::awaitable<void>(std::size_t)> each = std::move(one);
    co_await all_of(std::move(each), parts_.size());
    // what its first source failed to give, another may have
    for (std::size_t i = 0; i < parts_.size() && !broken_; ++i) {
        bool more = false;
        for (auto& [instance, source] : source_) {
            if (given_.contains(instance) || source == i || !parts_[i]->has(instance))
                continue;
            source = i;
            more = true;
        }
        if (more)
            co_await fetch_rest(i);
    }
    co_return end();
}

asio::awaitable<void> GroupRetrieve::ask(std::size_t index)
{
    Part& part = *parts_[index];
    part.end = co_await part.origin().retrieve(question_, part);
    if (!part.decided) {
        part.decided = true;
        --undecided_;
        change_.notify();
    }
    if (part.partly && !broken_)
        co_await fetch_rest(index);
}

/// Waits until every origin has said what it has, so that each instance is asked of one only.
asio::awaitable<Result<void>> GroupRetrieve::expected(std::size_t index)
{
    Part& part = *parts_[index];
    part.decided = true;
    part.answered = true;
    --undecided_;
    change_.notify();
    while (undecided_ > 0)
        co_await change_.wait();
    if (auto told = co_await announce(); !told)
        co_return told;
    part.partly = wanted_of(index).size() < part.holds.size();
    if (part.partly)
        co_return error(Errc::unsupported, "others have some of it");
    co_return Result<void>{};
}

asio::awaitable<Result<void>> GroupRetrieve::announce()
{
    while (announcing_ && !announced_)
        co_await change_.wait();
    if (announced_)
        co_return *announced_;
    announcing_ = true;
    std::vector<InstanceKey> all;
    for (std::size_t i = 0; i < parts_.size(); ++i)
        for (const InstanceKey& key : parts_[i]->holds)
            if (source_.emplace(key.sop.sop_instance, i).second)
                all.push_back(key);
    auto told = co_await sink_->expect(std::move(all));
    if (!told)
        broken_ = told.error();
    announced_ = told;
    change_.notify();
    co_return told;
}

std::vector<InstanceKey> GroupRetrieve::wanted_of(std::size_t index) const
{
    std::vector<InstanceKey> out;
    std::ranges::copy_if(
        parts_[index]->holds,
        std::back_inserter(out),
        [&](const InstanceKey& key) {
            const Uid& instance = key.sop.sop_instance;
            return source_.at(instance) == index && !given_.contains(instance);
        }
    );
    return out;
}

asio::awaitable<void> GroupRetrieve::fetch_rest(std::size_t index)
{
    std::set<Uid> studies;
    std::set<Uid> series;
    RetrieveQuestion rest;
    rest.level = QueryLevel::image;
    for (const InstanceKey& key : wanted_of(index)) {
        const auto classes = sink_->acceptable(key.sop.sop_class);
        if (classes && classes->empty())
            continue; // nobody wants it
        studies.insert(key.study);
        series.insert(key.series);
        rest.instances.push_back(key.sop.sop_instance);
    }
    Part& part = *parts_[index];
    part.end = {true};
    if (rest.instances.empty())
        co_return;
    rest.studies.assign(studies.begin(), studies.end());
    rest.series.assign(series.begin(), series.end());
    Rest sink(*this);
    part.end = co_await part.origin().retrieve(std::move(rest), sink);
}

asio::awaitable<Result<void>> GroupRetrieve::give(std::unique_ptr<InstanceContent> content)
{
    if (broken_)
        co_return *broken_;
    const Uid instance = content->key().sop.sop_instance;
    if (!given_.insert(instance).second)
        co_return Result<void>{};
    auto taken = co_await sink_->instance(std::move(content));
    if (!taken && !broken_)
        broken_ = taken.error();
    co_return taken;
}

RetrieveEnd GroupRetrieve::end() const
{
    RetrieveEnd whole;
    whole.complete = true;
    for (const auto& part : parts_) {
        for (const InstanceKey& key : part->holds) {
            const auto classes = sink_->acceptable(key.sop.sop_class);
            const bool unwanted = classes && classes->empty();
            if (!unwanted && !given_.contains(key.sop.sop_instance) &&
                std::ranges::find(whole.missing, key.sop) == whole.missing.end())
                whole.missing.push_back(key.sop);
        }
        if (part->end.complete)
            continue;
        if (whole.reason.empty())
            whole.shortfall = part->end.shortfall;
        whole.complete = whole.complete && part->answered;
        whole.reason +=
            (whole.reason.empty() ? "" : "; ") + part->origin().name() + ": " + part->end.reason;
    }
    whole.complete = whole.complete && whole.missing.empty() && !broken_;
    if (whole.complete)
        return RetrieveEnd{true};
    if (broken_)
        whole.reason = broken_->text();
    if (whole.shortfall == Shortfall::none)
        whole.shortfall = Shortfall::failed;
    return whole;
}

} // namespace gantry
