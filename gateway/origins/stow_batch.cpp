// Preparing, grouping and sending. What an answer means is decided in stow_answer.cpp.
#include "gateway/origins/stow_batch.h"

#include "gateway/error.h"
#include "gateway/origins/reencoding.h"
#include "mapping/error.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace gantry {

namespace {

using Kind = StoreOutcome::Kind;

constexpr std::uint64_t most_of_a_head = 1'024; // of a part and its file, about

// Our own copy is not what was acknowledged, or cannot be read now.
Kind kind_of_failed_read(const Error& error)
{
    return error.code == Errc::damaged || error.code == Errc::not_found ? Kind::damaged
                                                                        : Kind::transient;
}

bool must_be_reencoded(const InstanceKey& key, const WebOriginOptions& options)
{
    return !TransferSyntax::of(key.transfer_syntax.str()).web_allowed && !options.pass_as_is &&
           std::ranges::find(options.transfer_syntaxes, key.transfer_syntax) ==
               options.transfer_syntaxes.end();
}

} // namespace

StowBatch::StowBatch(
    StowRoom& room, AskHealth health, std::vector<std::unique_ptr<InstanceContent>> batch
)
    : room_(room), health_(std::move(health))
{
    items_.reserve(batch.size());
    for (auto& content : batch)
        items_.push_back({std::move(content), {}, {}});
}

asio::awaitable<std::vector<StoreOutcome>> StowBatch::run()
{
    co_await prepare();
    group();
    while (!work_.empty() && !away_) {
        Group next = std::move(work_.back());
        work_.pop_back();
        co_await send(std::move(next));
    }
    std::vector<StoreOutcome> outcomes;
    outcomes.reserve(items_.size());
    for (Item& item : items_)
        outcomes.push_back(
            item.outcome ? std::move(*item.outcome) : away_.value_or(StoreOutcome{})
        );
    co_return outcomes;
}

asio::awaitable<void> StowBatch::prepare()
{
    for (Item& item : items_)
        if (must_be_reencoded(item.original->key(), room_.options))
            co_await reencode_item(item);
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): it is one of
// items_

asio::awaitable<void> StowBatch::reencode_item(Item& item)
{
    auto made = co_await reencode(*item.original, room_.inquiry.scratch, room_.inquiry.disk);
    if (made) {
        item.reencoded = std::move(*made);
        co_return;
    }
    const bool cannot = made.error().code.category() == mapping::category();
    StoreOutcome outcome;
    outcome.kind = cannot ? Kind::refused : kind_of_failed_read(made.error());
    outcome.answer = "cannot be re-encoded: " + made.error().text();
    item.outcome = std::move(outcome);
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

// By study, as the archive wants it, and no larger than what it has been seen to take.
void StowBatch::group()
{
    std::map<Uid, Group> studies;
    for (std::size_t i = 0; i < items_.size(); ++i)
        if (!items_[i].outcome)
            studies[key(i).study].push_back(i);
    for (const auto& [study, members] : studies) {
        Group next;
        std::uint64_t bytes = 0;
        for (const std::size_t i : members) {
            const std::uint64_t length = items_[i].content().length().count + most_of_a_head;
            if (!next.empty() && bytes + length > room_.learned_limit) {
                work_.push_back(std::exchange(next, {}));
                bytes = 0;
            }
            next.push_back(i);
            bytes += length;
        }
        work_.push_back(std::move(next));
    }
    std::ranges::reverse(work_);
}

void StowBatch::forget_settled(Group& group) const
{
    std::erase_if(group, [this](std::size_t i) { return items_[i].outcome.has_value(); });
}

asio::awaitable<void> StowBatch::send(Group group)
{
    forget_settled(group);
    if (group.empty())
        co_return;
    std::vector<InstanceContent*> contents;
    for (const std::size_t i : group)
        contents.push_back(&items_[i].content());
    StowBody body(contents);
    const WebOriginOptions& options = room_.options;
    StowAnswer answer = co_await post_instances(
        room_.inquiry.client, body, options.max_answer, options.expect_continue_above
    );
    if (answer.kind == StowAnswer::Kind::answered) {
        if (answer.status == 413 && group.size() > 1)
            room_.learned_limit = std::min(room_.learned_limit, body.size() / 2);
        co_await answered(std::move(group), std::move(answer));
    } else if (body.failure()) {
        read_failed(group, *body.failure());
    } else {
        co_await not_answered(std::move(group), std::move(answer));
    }
}

// One of them could not be read to its end: it stays here, the others go again.
void StowBatch::read_failed(const Group& group, const StowBody::Failure& failure)
{
    const std::size_t culprit = group.at(failure.part);
    settle(culprit, kind_of_failed_read(failure.error), "own copy: " + failure.error.text());
    work_.push_back(group);
}

asio::awaitable<void> StowBatch::not_answered(Group group, StowAnswer answer)
{
    using Why = StowAnswer::Kind;
    if (answer.kind == Why::unreachable) {
        if (answer.certificate)
            spdlog::error(
                "certificate not accepted origin={} reason=\"{}\"", room_.name, answer.reason
            );
        away(answer.reason);
    } else if (answer.kind == Why::unknown) {
        // Broken off, and not by silence: one instance may be what the server breaks at.
        co_await verify(std::move(group), answer.reason, !answer.timed_out);
    } else if (group.size() > 1 && !answer.timed_out) {
        split(std::move(group));
    } else {
        for (const std::size_t i : group)
            settle(i, Kind::transient, answer.reason);
    }
}

void StowBatch::settle(std::size_t index, Kind kind, std::string answer, std::uint16_t reason)
{
    StoreOutcome outcome;
    outcome.kind = kind;
    outcome.reason = reason;
    outcome.answer = std::move(answer);
    let_in_ = let_in_ || kind == Kind::stored || kind == Kind::stored_changed ||
              kind == Kind::already_there;
    items_[index].outcome = std::move(outcome);
}

void StowBatch::away(std::string answer, std::optional<std::chrono::seconds> retry_after)
{
    StoreOutcome outcome;
    outcome.kind = Kind::unavailable;
    outcome.answer = std::move(answer);
    outcome.retry_after = retry_after;
    away_ = std::move(outcome);
}

} // namespace gantry
