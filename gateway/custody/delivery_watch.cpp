#include "gateway/custody/delivery_watch.h"

#include "gateway/custody/schema.h"
#include "mapping/status.h"
#include "mapping/vocabulary/dimse_status.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace gantry::custody {

namespace {

using Kind = StoreOutcome::Kind;

struct Expected {
    std::vector<std::optional<DeliveryChange>> deliveries;

    bool ended() const
    {
        return std::ranges::all_of(deliveries, [](const auto& one) { return one.has_value(); });
    }
};

StoreOutcome outcome_of(const DeliveryChange& change)
{
    switch (change.state) {
    case DeliveryState::delivered: return {change.kind, change.reason, "delivered", {}};
    case DeliveryState::quarantined:
        if (change.kind == Kind::conflict) {
            const auto code = change.reason != 0 ? change.reason : status::duplicate_sop_instance;
            return {Kind::conflict, code, "quarantined", {}};
        }
        return {
            Kind::damaged,
            mapping::store_status(mapping::StoreFailure::storage_failed).code,
            "quarantined",
            {}
        };
    default: {
        const auto code = change.reason != 0 ? change.reason : status::processing_failure;
        return {Kind::refused, code, "failed", {}};
    }
    }
}

bool is_stored(Kind kind)
{
    return kind == Kind::stored || kind == Kind::stored_changed || kind == Kind::already_there;
}

/// Of all destinations together: a failure says most, then what is not known yet, then a warning.
StoreOutcome together(const Expected& expected)
{
    std::optional<StoreOutcome> failure;
    std::optional<StoreOutcome> changed;
    bool waits = false;
    for (const auto& one : expected.deliveries) {
        if (!one) {
            waits = true;
            continue;
        }
        StoreOutcome outcome = outcome_of(*one);
        if (!is_stored(outcome.kind) && !failure)
            failure = std::move(outcome);
        else if (outcome.kind == Kind::stored_changed && !changed)
            changed = std::move(outcome);
    }
    if (failure)
        return *failure;
    if (waits)
        return {Kind::transient, 0, "not delivered yet", {}};
    return changed.value_or(StoreOutcome{Kind::stored, 0, "delivered", {}});
}

} // namespace

struct DeliveryWatch::State {
    State(asio::any_io_executor executor, std::chrono::milliseconds how_long)
        : loop(std::move(executor)), keep(how_long)
    {
    }

    /// Who waits looks again.
    void notify()
    {
        for (asio::steady_timer* one : waiting)
            one->cancel();
    }

    /// The first of `receipts`, from `at`, that is known and has not ended.
    std::size_t first_open(const std::vector<ReceiptId>& receipts, std::size_t at) const
    {
        const std::lock_guard lock(mutex);
        for (; at < receipts.size(); ++at)
            if (const auto found = known.find(receipts[at]);
                found != known.end() && !found->second.ended())
                break;
        return at;
    }

    asio::any_io_executor loop;
    std::chrono::milliseconds keep;
    std::list<asio::steady_timer*> waiting; // the loop's
    mutable std::mutex mutex;               // of what is below
    std::unordered_map<ReceiptId, Expected> known;
    std::deque<std::pair<Time, ReceiptId>> ages;
};

DeliveryWatch::DeliveryWatch(asio::any_io_executor loop, std::chrono::milliseconds keep)
    : state_(std::make_shared<State>(std::move(loop), keep))
{
}

DeliveryWatch::~DeliveryWatch() = default;

void DeliveryWatch::changed(const std::vector<DeliveryChange>& changes)
{
    bool heard = false;
    {
        const std::lock_guard lock(state_->mutex);
        for (const DeliveryChange& one : changes) {
            const auto receipt = static_cast<ReceiptId>(one.id / deliveries_per_receipt);
            const auto index = static_cast<std::size_t>(one.id % deliveries_per_receipt);
            const auto found = state_->known.find(receipt);
            if (found == state_->known.end() || index >= found->second.deliveries.size())
                continue;
            found->second.deliveries[index] = one;
            heard = true;
        }
    }
    if (heard)
        asio::post(state_->loop, [state = state_] { state->notify(); });
}

void DeliveryWatch::expect(ReceiptId receipt, std::size_t deliveries)
{
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(state_->mutex);
    while (!state_->ages.empty() && state_->ages.front().first < now) {
        state_->known.erase(state_->ages.front().second); // whoever asked has gone
        state_->ages.pop_front();
    }
    state_->known[receipt].deliveries.resize(deliveries);
    state_->ages.emplace_back(now + state_->keep, receipt);
}

asio::awaitable<std::vector<StoreOutcome>>
DeliveryWatch::settled(std::vector<ReceiptId> receipts, Time until)
{
    struct Waiting {
        Waiting(std::shared_ptr<State> of, Time until)
            : state(std::move(of)), timer(state->loop, until)
        {
            state->waiting.push_back(&timer);
        }

        ~Waiting() { state->waiting.remove(&timer); }

        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;

        std::shared_ptr<State> state;
        asio::steady_timer timer;
    };

    Waiting waiting(state_, until);
    const auto& state = waiting.state;
    std::size_t at = 0;
    while ((at = state->first_open(receipts, at)) < receipts.size() &&
           std::chrono::steady_clock::now() < until)
        (void)co_await waiting.timer.async_wait(use_tuple); // cancelled: something has changed
    std::vector<StoreOutcome> outcomes;
    outcomes.reserve(receipts.size());
    const std::lock_guard lock(state->mutex);
    for (const ReceiptId receipt : receipts) {
        const auto found = state->known.find(receipt);
        if (found == state->known.end()) {
            outcomes.push_back({Kind::transient, 0, "not known any more", {}});
            continue;
        }
        outcomes.push_back(together(found->second));
        state->known.erase(found);
    }
    co_return outcomes;
}

std::size_t DeliveryWatch::expected() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->known.size();
}

} // namespace gantry::custody
