// Sums: by destination from the tally, by study from its receipts.
#include "gateway/custody/listing.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace gantry::custody {

namespace {

// How many of the last receipts are looked through for studies: a bound on the time it takes.
constexpr std::size_t recent_receipts = 50'000;

WallTime wall(std::int64_t milliseconds)
{
    return WallTime(std::chrono::milliseconds(milliseconds));
}

} // namespace

void Listing::count(DestinationSummary& summary, DeliveryState state, std::uint64_t rows) const
{
    switch (state) {
    case DeliveryState::queued: (summary.held ? summary.held_rows : summary.queued) += rows; break;
    case DeliveryState::deferred:
        (summary.held ? summary.held_rows : summary.deferred) += rows;
        break;
    case DeliveryState::sending: summary.sending += rows; break;
    case DeliveryState::delivered: summary.delivered += rows; break;
    case DeliveryState::failed: summary.failed += rows; break;
    case DeliveryState::quarantined: summary.quarantined += rows; break;
    case DeliveryState::held: summary.held_rows += rows; break;
    case DeliveryState::dropped: summary.dropped += rows; break;
    }
}

// Leased rows are stored as queued or deferred; they are shown as sending.
void Listing::add_live(DestinationSummary& summary, std::int64_t destination)
{
    for (const std::int64_t delivery : live_.leased_to(destination)) {
        const bool found = state_of_.with(delivery).step();
        const auto stored = found ? delivery_state(state_of_.text(0)) : std::nullopt;
        state_of_.reset();
        if (stored != DeliveryState::queued && stored != DeliveryState::deferred)
            continue;
        std::uint64_t& from = summary.held                      ? summary.held_rows
                              : stored == DeliveryState::queued ? summary.queued
                                                                : summary.deferred;
        from -= std::min<std::uint64_t>(from, 1);
        ++summary.sending;
    }
}

std::vector<DestinationSummary> Listing::summary()
{
    load_destinations();
    std::map<std::int64_t, DestinationSummary> sums;
    for (const auto& [id, known] : known_) {
        sums[id].destination = known.name;
        sums[id].held = known.held;
        sums[id].last_error = known.last_error;
    }
    tally_.with();
    while (tally_.step())
        if (const auto state = delivery_state(tally_.text(1)))
            count(sums[tally_.integer(0)], *state, static_cast<std::uint64_t>(tally_.integer(2)));
    std::vector<DestinationSummary> result;
    for (auto& [id, sum] : sums) {
        add_live(sum, id);
        for (const char* state : {"queued", "deferred", "failed", "quarantined"}) {
            if (oldest_.with(id, state).step())
                sum.oldest =
                    std::min(sum.oldest.value_or(wall(INT64_MAX)), wall(oldest_.integer(0)));
            oldest_.reset();
        }
        result.push_back(std::move(sum));
    }
    return result;
}

std::vector<StudySummary> Listing::studies(const std::optional<Uid>& study, std::size_t limit)
{
    load_destinations();
    std::vector<std::string> uids;
    if (study)
        uids.push_back(study->str());
    else
        uids = recent_studies(limit);
    std::vector<StudySummary> summaries;
    for (const std::string& uid : uids)
        if (StudySummary summary = study_of(uid); summary.received != 0)
            summaries.push_back(std::move(summary));
    return summaries;
}

std::vector<std::string> Listing::recent_studies(std::size_t limit)
{
    std::vector<std::string> uids;
    std::unordered_set<std::string> seen;
    recent_.with(recent_receipts);
    while (uids.size() < limit && recent_.step())
        if (auto [uid, is_new] = seen.insert(recent_.text(0)); is_new)
            uids.push_back(*uid);
    recent_.reset();
    return uids;
}

StudySummary Listing::study_of(const std::string& uid)
{
    StudySummary summary;
    summary.study = Uid::parse(uid).value_or(Uid());
    if (study_.with(uid).step()) {
        summary.received = static_cast<std::uint64_t>(study_.integer(0));
        summary.first_received = wall(study_.integer(1));
        summary.last_received = wall(study_.integer(2));
    }
    study_.reset();
    std::map<std::int64_t, DestinationSummary> sums;
    study_deliveries_.with(uid);
    while (study_deliveries_.step()) {
        const std::int64_t destination = study_deliveries_.integer(0);
        DestinationSummary& sum = sums[destination];
        sum.held = known_[destination].held;
        const auto stored =
            delivery_state(study_deliveries_.text(1)).value_or(DeliveryState::failed);
        count(sum, shown(study_deliveries_.integer(2), destination, stored), 1);
        if (!study_deliveries_.null(3))
            sum.last_delivered = std::max(
                sum.last_delivered.value_or(WallTime()), wall(study_deliveries_.integer(3))
            );
    }
    for (auto& [destination, sum] : sums) {
        sum.destination = known_[destination].name;
        sum.last_error = known_[destination].last_error;
        summary.destinations.push_back(std::move(sum));
    }
    return summary;
}

} // namespace gantry::custody
