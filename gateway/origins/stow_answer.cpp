// From the answer to a STOW-RS request to what happens to each instance, by the tables of
// mapping/stow_outcome (PS3.18 10.5.3, annex I.2).
#include "gateway/origins/stow_batch.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace gantry {

namespace {

using Kind = StoreOutcome::Kind;
using mapping::Decision;

// The report speaks of this very instance; else only the HTTP status does.
bool names(const StowAnswer& answer, const Uid& instance, std::size_t batch)
{
    if (!answer.report)
        return false;
    const bool only_part = batch == 1 && answer.report->instances.empty();
    return answer.report->find(instance) != nullptr ||
           (only_part && !answer.report->other_failures.empty());
}

bool says_nothing(const StowAnswer& answer)
{
    return !answer.report ||
           (answer.report->instances.empty() && answer.report->other_failures.empty());
}

std::string text_of(const StowAnswer& answer, const std::string& reason)
{
    const std::string status = std::to_string(answer.status);
    return reason.starts_with("HTTP") ? reason : status + " " + reason;
}

std::uint16_t reason_of(const StowAnswer& answer, const Uid& instance)
{
    const auto* outcome = answer.report ? answer.report->find(instance) : nullptr;
    if (outcome == nullptr)
        return 0;
    return outcome->failure_reason.value_or(outcome->warning_reason.value_or(0));
}

} // namespace

asio::awaitable<void> StowBatch::answered(Group group, StowAnswer answer)
{
    FollowUp next;
    for (const std::size_t i : group)
        decide(i, answer, group.size(), next);
    if (!next.sick.empty())
        co_await unwell(std::move(next.sick), answer);
    if (!next.held.empty())
        hold(std::move(next.held), answer);
    if (away_)
        co_return; // nothing more is asked of it now; who is stored has been settled
    if (!next.split.empty())
        split(std::move(next.split));
    for (const std::size_t i : next.compare)
        co_await compare(i, "HTTP " + std::to_string(answer.status));
    for (const std::size_t i : next.transcode)
        co_await transcode(i);
    if (!next.verify.empty())
        co_await verify(std::move(next.verify), "HTTP " + std::to_string(answer.status), false);
}

void StowBatch::decide(
    std::size_t index, const StowAnswer& answer, std::size_t batch, FollowUp& next
)
{
    const Uid& instance = key(index).sop.sop_instance;
    const bool named = names(answer, instance, batch);
    const mapping::Verdict verdict =
        mapping::verdict(answer.status, answer.report, instance, batch);
    const std::string text = text_of(answer, verdict.reason);
    const std::uint16_t reason = reason_of(answer, instance);
    const auto settle_as = [&](Kind kind) {
        settle(index, kind, text, reason);
        items_[index].outcome->retry_after = answer.retry_after;
        items_[index].outcome->max_attempts = verdict.max_attempts;
    };
    switch (verdict.decision) {
    case Decision::delivered: return settle_as(Kind::stored);
    case Decision::delivered_with_warning: return settle_as(Kind::stored_changed);
    case Decision::fail: return settle_as(Kind::refused);
    case Decision::retry:
        return named ? settle_as(Kind::transient) : decide_retry(index, answer, next);
    case Decision::retry_limited:
        if (!named && answer.status >= 500)
            next.sick.push_back(index);
        return settle_as(Kind::limited);
    case Decision::split: (answer.status >= 500 ? next.sick : next.split).push_back(index); return;
    case Decision::verify:
        if (room_.options.trust_empty_success && answer.status == 200 && says_nothing(answer))
            return settle_as(Kind::stored);
        next.verify.push_back(index);
        return;
    case Decision::refresh_token:
    case Decision::hold_and_alarm: next.held.push_back(index); return;
    case Decision::conflict_check: next.compare.push_back(index); return;
    case Decision::transcode: next.transcode.push_back(index); return;
    }
}

// A gateway's timeout: what stands behind it may have stored everything. Too many requests, or no
// room: the service as a whole asks for patience.
void StowBatch::decide_retry(std::size_t index, const StowAnswer& answer, FollowUp& next)
{
    const std::string text = "HTTP " + std::to_string(answer.status);
    if (answer.status == 504)
        next.verify.push_back(index);
    else if (answer.status == 429 || answer.status >= 500)
        away(text, answer.retry_after);
    else
        settle(index, Kind::transient, text);
}

// Not let in. It is the service, unless it is this instance that something on the way does not
// like: the newest one goes alone, and where it passes, the guilty ones are looked for.
void StowBatch::hold(Group group, const StowAnswer& answer)
{
    const std::string text = "HTTP " + std::to_string(answer.status);
    const bool credentials = answer.status == 401 || answer.status == 407;
    if (group.size() > 1 && !credentials && !let_in_) {
        const Group newest{group.back()};
        group.pop_back();
        work_.push_back(std::move(group));
        work_.push_back(newest);
        return;
    }
    if (group.size() > 1 && !credentials)
        return split(std::move(group));
    spdlog::error("archive does not let us in origin={} status={}", room_.name, answer.status);
    if (let_in_ && !credentials)
        settle(group.front(), Kind::transient, text);
    else
        away(text, answer.retry_after);
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): answered()
// awaits

// A server error: from a server that is well otherwise it is about these instances.
asio::awaitable<void> StowBatch::unwell(Group group, const StowAnswer& answer)
{
    if (!well_)
        well_ = (co_await health_()).reachable;
    if (!*well_) {
        for (const std::size_t i : group)
            items_[i].outcome.reset();
        away("HTTP " + std::to_string(answer.status), answer.retry_after);
        co_return;
    }
    forget_settled(group);
    if (!group.empty())
        split(std::move(group));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace gantry
