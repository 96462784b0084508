#include "gateway/origins/dimse_answers.h"

#include "gateway/error.h"
#include "gateway/origins/dimse_origin.h"
#include "mapping/elements.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <string>
#include <utility>

// Everything here is awaited by whoever calls it, and what is referred to is theirs or ours.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

namespace gantry {

namespace {

constexpr std::size_t at_once = 4; // questions of one find

/// A match of another study or series than it was asked within: the PACS ignored that key.
bool is_elsewhere(DcmDataset& match, const FindPlace& place)
{
    const auto differs = [&](Tag tag, const Uid& expected) {
        const std::string text = mapping::text_of(match, tag);
        return !expected.empty() && !text.empty() && text != expected.str();
    };
    return differs(tag::study_instance_uid, place.study) ||
           differs(tag::series_instance_uid, place.series);
}

void put_missing(DcmDataset& match, Tag tag, const Uid& uid)
{
    if (!uid.empty() && !mapping::has_content(match, tag))
        mapping::put_text(match, tag, uid.str());
}

FindEnd limit_end(std::string reason)
{
    FindEnd end;
    end.shortfall = Shortfall::limit;
    end.reason = std::move(reason);
    return end;
}

} // namespace

class DimseAnswers::Sink final : public FindSink {
public:
    Sink(DimseAnswers& answers, Lane& lane) : answers_(answers), lane_(lane) {}

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        return answers_.take(lane_, std::move(attributes));
    }

private:
    DimseAnswers& answers_;
    Lane& lane_;
};

DimseAnswers::DimseAnswers(asio::any_io_executor loop, Parts parts, FindMode mode)
    : loop_(std::move(loop)), parts_(parts), mode_(mode)
{
}

dimse::QueryOptions DimseAnswers::required(QueryLevel level) const
{
    dimse::QueryOptions out;
    out.relational = mode_.relational;
    out.fuzzy = mode_.fuzzy && (mode_.relational || level == QueryLevel::study);
    out.timezone = mode_.timezone;
    return out;
}

asio::awaitable<FindEnd> DimseAnswers::within(std::vector<FindParent> parents, Settle settle)
{
    if (parents.empty())
        co_return parts_.matches.end();
    if (parents.size() > 1)
        co_return co_await several(std::move(parents), std::move(settle));
    settle_ = std::move(settle);
    co_return co_await alone(std::move(parents.front()), settle_);
}

asio::awaitable<FindEnd> DimseAnswers::alone(FindParent parent, const Settle& settle)
{
    Settled settled = co_await settle(parent);
    if (!settled.end.complete)
        co_return settled.end;
    if (!settled.kept)
        co_return parts_.matches.end();
    Lane lane;
    lane.parent = std::move(parent);
    FindEnd end = co_await ask(lane);
    if (!end.complete && !(overflow_ && parts_.matches.limited()))
        co_return end;
    if (!mode_.relational && !parts_.matches.limited() &&
        parts_.questions.asked() + lane.held.size() > parts_.options.max_questions)
        co_return limit_end("too many matches to complete");
    OrderedWork work(loop_, at_once);
    OrderedWork::Step complete_one = [this, &lane](std::size_t i) {
        return complete(lane.held[i]);
    };
    OrderedWork::Step deliver_one = [this, &lane](std::size_t i) { return deliver(lane.held[i]); };
    co_await work.run(lane.held.size(), std::move(complete_one), std::move(deliver_one));
    held_ = 0;
    if (failure_)
        co_return *failure_;
    // what was held may have been enough
    co_return end.complete || parts_.matches.enough() ? parts_.matches.end() : end;
}

asio::awaitable<FindEnd> DimseAnswers::several(std::vector<FindParent> parents, Settle settle)
{
    settle_ = std::move(settle);
    lanes_.clear();
    for (FindParent& parent : parents) {
        Lane lane;
        lane.parent = std::move(parent);
        lane.index = lanes_.size();
        lanes_.push_back(std::move(lane));
    }
    order_.emplace(loop_, at_once);
    OrderedWork::Step prepare_one = [this](std::size_t i) { return prepare(i); };
    OrderedWork::Step hand_on_one = [this](std::size_t i) { return hand_on(i); };
    co_await order_->run(lanes_.size(), std::move(prepare_one), std::move(hand_on_one));
    order_.reset();
    lanes_.clear();
    co_return failure_ ? *failure_ : parts_.matches.end();
}

asio::awaitable<bool> DimseAnswers::prepare(std::size_t index)
{
    Lane& lane = lanes_[index];
    Settled settled = co_await settle_(lane.parent);
    if (!settled.end.complete)
        co_return fail(std::move(settled.end));
    if (!settled.kept)
        co_return true;
    FindEnd end = co_await ask(lane);
    if (!end.complete)
        co_return fail(std::move(end));
    for (Held& held : lane.held)
        if (!co_await complete(held))
            co_return false;
    co_return true;
}

asio::awaitable<bool> DimseAnswers::hand_on(std::size_t index)
{
    Lane& lane = lanes_[index];
    for (Held& held : lane.held)
        if (!co_await deliver(held))
            co_return false;
    held_ -= lane.held.size();
    lane.held.clear();
    co_return !parts_.matches.enough();
}

asio::awaitable<FindEnd> DimseAnswers::ask(Lane& lane)
{
    const QueryLevel level = parts_.keys.level();
    auto identifier = mode_.relational ? parts_.keys.relational_identifier()
                                       : parts_.keys.identifier(level, lane.parent.place);
    Sink sink(*this, lane);
    DimseAnswer answer =
        co_await parts_.questions.ask(std::move(identifier), required(level), sink);
    not_granted_ = not_granted_ || answer.not_granted;
    if (overflow_)
        co_return limit_end("too many matches to hold");
    co_return answer.stopped ? parts_.matches.end() : std::move(answer.end);
}

asio::awaitable<Result<void>> DimseAnswers::take(Lane& lane, std::unique_ptr<DcmDataset> match)
{
    if (failure_ || parts_.matches.enough() || (order_ && order_->stopped()))
        co_return error(Errc::closed, "the find has ended");
    const FindPlace& place = lane.parent.place;
    if (is_elsewhere(*match, place))
        co_return Result<void>{};
    put_missing(*match, tag::study_instance_uid, place.study);
    put_missing(*match, tag::series_instance_uid, place.series);
    if (lane.parent.attributes)
        mapping::fill_from(*match, *lane.parent.attributes);
    const QueryLevel level = parts_.keys.level();
    const bool in_turn = !order_ || order_->turn() == lane.index;
    lane.raw = lane.raw || !in_turn || parts_.completion.lacks_matched(*match, level);
    if (lane.raw)
        co_return hold(lane, std::move(match), false);
    auto admitted = parts_.matches.admit(*match);
    if (!admitted)
        co_return admitted.error();
    if (!*admitted)
        co_return Result<void>{};
    if (!lane.held.empty() || parts_.completion.lacks(**admitted, level))
        co_return hold(lane, std::move(*admitted), true);
    co_return co_await parts_.matches.hand_on(std::move(*admitted));
}

Result<void> DimseAnswers::hold(Lane& lane, std::unique_ptr<DcmDataset> match, bool admitted)
{
    overflow_ = overflow_ || held_ >= parts_.options.max_held;
    if (overflow_)
        return error(Errc::unsupported, "too many matches to hold");
    ++held_;
    lane.held.push_back({std::move(match), admitted});
    return {};
}

asio::awaitable<bool> DimseAnswers::complete(Held& held)
{
    const QueryLevel level = parts_.keys.level();
    if (!parts_.completion.lacks(*held.match, level))
        co_return true;
    FindEnd end = co_await parts_.completion.complete(*held.match, level);
    co_return end.complete || fail(std::move(end));
}

asio::awaitable<bool> DimseAnswers::deliver(Held& held)
{
    auto match = std::move(held.match);
    if (!held.admitted) {
        auto admitted = parts_.matches.admit(*match);
        if (!admitted)
            co_return false;
        match = std::move(*admitted);
    }
    if (!match)
        co_return true;
    const auto taken = co_await parts_.matches.hand_on(std::move(match));
    co_return taken.has_value();
}

/// False, for whoever passes that on.
bool DimseAnswers::fail(FindEnd end)
{
    if (!failure_)
        failure_ = std::move(end);
    return false;
}

} // namespace gantry

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
