#include "gateway/origins/group_find.h"

#include "gateway/error.h"
#include "gateway/loop/all_of.h"
#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <algorithm>

namespace gantry {

/// What one origin is asked and gives.
class GroupFind::Part final : public FindSink {
public:
    Part(GroupFind& whole, std::size_t index, Origin& origin)
        : whole_(whole), index_(index), origin_(origin)
    {
    }

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        co_return co_await whole_.take(index_, std::move(attributes));
    }

    Origin& origin() { return origin_; }

    std::deque<std::unique_ptr<DcmDataset>> held;
    FindEnd end;

private:
    GroupFind& whole_;
    std::size_t index_;
    Origin& origin_;
};

GroupFind::GroupFind(
    asio::any_io_executor loop, const std::vector<Origin*>& origins, OriginGroupLimits limits
)
    : limits_(limits), change_(std::move(loop))
{
    for (Origin* origin : origins)
        parts_.push_back(std::make_unique<Part>(*this, parts_.size(), *origin));
}

GroupFind::~GroupFind() = default;

asio::awaitable<FindEnd> GroupFind::run(FindQuestion question, FindSink& matches)
{
    question_ = std::move(question);
    matches_ = &matches;
    to_skip_ = question_.offset;
    auto one = [this](std::size_t index) { return ask(index); };
    std::function<asio::awaitable<void>(std::size_t)> each = std::move(one);
    co_await all_of(std::move(each), parts_.size());
    co_return end();
}

asio::awaitable<void> GroupFind::ask(std::size_t index)
{
    Part& part = *parts_[index];
    FindQuestion question = question_;
    // data sets are not read by two at once, not even to copy them
    question.keys = std::make_shared<DcmDataset>(*question_.keys);
    question.offset = 0;
    if (question.limit)
        *question.limit += question_.offset;
    part.end = co_await part.origin().find(std::move(question), part);
    while (turn_ < index)
        co_await change_.wait();
    (void)co_await flush(index);
    ++turn_;
    change_.notify();
}

/// Hands on in turn; before that a few are held, and the origin of more waits.
asio::awaitable<Result<void>> GroupFind::take(std::size_t index, std::unique_ptr<DcmDataset> match)
{
    Part& part = *parts_[index];
    while (turn_ < index && !broken_) {
        if (part.held.size() < limits_.held_matches) {
            part.held.push_back(std::move(match));
            co_return Result<void>{};
        }
        co_await change_.wait();
    }
    if (auto flushed = co_await flush(index); !flushed)
        co_return flushed;
    co_return co_await forward(std::move(match));
}

asio::awaitable<Result<void>> GroupFind::flush(std::size_t index)
{
    auto& held = parts_[index]->held;
    while (!held.empty()) {
        auto match = std::move(held.front());
        held.pop_front();
        if (auto sent = co_await forward(std::move(match)); !sent)
            co_return sent;
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>> GroupFind::forward(std::unique_ptr<DcmDataset> match)
{
    if (broken_)
        co_return *broken_;
    const auto unique = mapping::text_of(*match, mapping::unique_key(question_.level));
    if (!unique.empty() && given_.contains(unique))
        co_return Result<void>{}; // the one before it stands
    enough_ = question_.limit && sent_ == *question_.limit;
    full_ = !enough_ && given_.size() == limits_.max_matches;
    if (enough_ || full_) {
        broken_ = error(Errc::unsupported, "more matches than are wanted");
        change_.notify();
        co_return *broken_;
    }
    given_.insert(unique);
    if (to_skip_ > 0) {
        --to_skip_;
        co_return Result<void>{};
    }
    ++sent_;
    auto taken = co_await matches_->match(std::move(match));
    if (!taken) {
        broken_ = taken.error();
        change_.notify();
    }
    co_return taken;
}

FindEnd GroupFind::end() const
{
    if (enough_)
        return {true};
    FindEnd whole{true};
    if (full_)
        whole = {false, Shortfall::limit, "too many matches from several origins"};
    else if (broken_)
        return {false, Shortfall::failed, broken_->text()};
    std::string short_of;
    for (const auto& part : parts_) {
        if (part->end.complete || full_)
            continue;
        if (whole.complete)
            whole.shortfall = part->end.shortfall;
        whole.complete = false;
        const std::string& name = part->origin().name();
        whole.origin += (whole.origin.empty() ? "" : ", ") + name;
        whole.reason += (whole.reason.empty() ? "" : "; ") + name + ": " + part->end.reason;
    }
    return whole;
}

} // namespace gantry
