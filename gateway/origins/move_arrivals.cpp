#include "gateway/origins/move_arrivals.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>

namespace gantry {

namespace {

constexpr std::size_t most_at_once = 65'535; // Message IDs (PS3.7 E.1), without 0

} // namespace

struct MoveArrivals::Expectation::State {
    std::uint64_t number = 0; // the older the lower
    std::uint16_t message_id = 0;
    Expected expected;
    std::shared_ptr<MoveArrivals::State> home;

    mutable std::mutex mutex; // held in `take`
    bool over = false;
    std::size_t under_way = 0;
    std::optional<Rendezvous> met_by;
};

struct MoveArrivals::State {
    using Waiting = std::shared_ptr<Expectation::State>;

    explicit State(AeTitle title) : own(std::move(title)) {}

    const AeTitle own;
    mutable std::mutex mutex;
    std::set<AeTitle> pacs;
    std::map<std::uint16_t, Waiting> waiting; // by Message ID
    std::uint64_t last_number = 0;
    std::uint16_t last_id = 0;

    // Ids go round, so that a straggler of a move that is over is not taken for the next one's.
    std::uint16_t free_id()
    {
        if (waiting.size() >= most_at_once)
            throw std::length_error("more than 65535 moves at once");
        do {
            ++last_id;
        } while (last_id == 0 || waiting.contains(last_id));
        return last_id;
    }

    struct Match {
        Waiting whose;
        Rendezvous by = Rendezvous::originator;
    };

    std::optional<Match>
    match(const dimse::AssociationInfo& peer, const dimse::StoreRequest& request) const
    {
        const std::lock_guard lock(mutex);
        const auto may_be = [&](const Waiting& one) {
            return std::ranges::find(one->expected.pacs, peer.calling) != one->expected.pacs.end();
        };
        if (request.move_originator == own) {
            const auto found = waiting.find(request.move_originator_message_id);
            if (found != waiting.end() && may_be(found->second))
                return Match{found->second, Rendezvous::originator};
        }
        Waiting oldest;
        for (const auto& [id, one] : waiting)
            if (may_be(one) && one->expected.instances.contains(request.sop.sop_instance) &&
                (!oldest || one->number < oldest->number))
                oldest = one;
        if (!oldest)
            return std::nullopt;
        return Match{std::move(oldest), Rendezvous::caller};
    }
};

namespace {

/// Counts as under way for as long as it lives.
class Arriving final : public dimse::IncomingInstance {
public:
    Arriving(std::unique_ptr<dimse::IncomingInstance> inner, std::shared_ptr<void> under_way)
        : under_way_(std::move(under_way)), inner_(std::move(inner))
    {
    }

    Result<void> write(ConstBytes fragment) override { return inner_->write(fragment); }

    DimseStatus finish() override { return inner_->finish(); }

private:
    std::shared_ptr<void> under_way_; // ends last
    std::unique_ptr<dimse::IncomingInstance> inner_;
};

} // namespace

MoveArrivals::MoveArrivals(AeTitle own) : state_(std::make_shared<State>(std::move(own))) {}

MoveArrivals::~MoveArrivals() = default;

MoveArrivals::Expectation::Expectation(std::shared_ptr<State> state) : state_(std::move(state)) {}

MoveArrivals::Expectation::Expectation(Expectation&&) noexcept = default;

MoveArrivals::Expectation::~Expectation()
{
    if (!state_)
        return;
    {
        const std::lock_guard lock(state_->home->mutex);
        state_->home->waiting.erase(state_->message_id);
    }
    const std::lock_guard lock(state_->mutex);
    state_->over = true;
    state_->expected.take = nullptr;
}

std::uint16_t MoveArrivals::Expectation::message_id() const noexcept
{
    return state_->message_id;
}

std::optional<Rendezvous> MoveArrivals::Expectation::met_by() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->met_by;
}

bool MoveArrivals::Expectation::idle() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->under_way == 0;
}

MoveArrivals::Expectation MoveArrivals::expect(Expected expected)
{
    auto waiting = std::make_shared<Expectation::State>();
    waiting->expected = std::move(expected);
    waiting->home = state_;
    const std::lock_guard lock(state_->mutex);
    waiting->message_id = state_->free_id();
    waiting->number = ++state_->last_number;
    state_->waiting.emplace(waiting->message_id, waiting);
    return Expectation(std::move(waiting));
}

bool MoveArrivals::from_pacs(const AeTitle& calling) const
{
    const std::lock_guard lock(state_->mutex);
    return state_->pacs.contains(calling);
}

void MoveArrivals::add_pacs(const AeTitle& title)
{
    const std::lock_guard lock(state_->mutex);
    state_->pacs.insert(title);
}

std::optional<MoveArrivals::Begun>
MoveArrivals::claim(const dimse::AssociationInfo& peer, const dimse::StoreRequest& request)
{
    const auto match = state_->match(peer, request);
    if (!match)
        return std::nullopt;
    Expectation::State& whose = *match->whose;
    const std::lock_guard lock(whose.mutex);
    if (whose.over)
        return std::nullopt;
    if (whose.met_by != Rendezvous::caller)
        whose.met_by = match->by;
    Begun begun = whose.expected.take(request);
    auto* taken = std::get_if<std::unique_ptr<dimse::IncomingInstance>>(&begun);
    if (taken == nullptr)
        return begun;
    ++whose.under_way;
    std::shared_ptr<void> under_way(nullptr, [kept = match->whose](std::nullptr_t) {
        const std::lock_guard ended(kept->mutex);
        --kept->under_way;
    });
    return std::make_unique<Arriving>(std::move(*taken), std::move(under_way));
}

} // namespace gantry
