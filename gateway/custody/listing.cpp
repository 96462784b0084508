#include "gateway/custody/listing.h"

#include "gateway/custody/schema.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace gantry::custody {

namespace {

constexpr std::size_t max_page = 10'000;

constexpr DeliveryState stored_states[] = {
    DeliveryState::queued,
    DeliveryState::deferred,
    DeliveryState::failed,
    DeliveryState::quarantined,
    DeliveryState::delivered,
    DeliveryState::dropped,
};

Uid uid(const std::string& text)
{
    return Uid::parse(text).value_or(Uid());
}

WallTime wall(std::int64_t milliseconds)
{
    return WallTime(std::chrono::milliseconds(milliseconds));
}

bool ended(DeliveryState state)
{
    return state == DeliveryState::delivered || state == DeliveryState::dropped;
}

// Whether rows that are stored as `stored` may be shown as what the filter asks for.
bool may_show(const QueueFilter& filter, DeliveryState stored)
{
    if (!filter.state)
        return filter.all || !ended(stored);
    switch (*filter.state) {
    case DeliveryState::sending:
    case DeliveryState::held:
        return stored == DeliveryState::queued || stored == DeliveryState::deferred;
    default: return stored == *filter.state;
    }
}

bool matches(const QueueFilter& filter, const QueueRow& row)
{
    if (filter.state ? row.state != *filter.state : !filter.all && ended(row.state))
        return false;
    return (!filter.destination || row.destination == *filter.destination) &&
           (!filter.study || row.key.study == *filter.study) &&
           (!filter.instance || row.key.sop.sop_instance == *filter.instance) &&
           (!filter.id || row.id == *filter.id);
}

} // namespace

Listing::Listing(Database& database, std::span<const std::string> configured, LiveState live)
    : configured_(configured.begin(), configured.end()),
      live_(std::move(live)),
      destinations_(database, "SELECT id, name, held, last_error FROM destination ORDER BY id"),
      by_state_(
          database,
          "SELECT id FROM delivery WHERE destination = ?1 AND state = ?2 AND id > ?3 "
          "ORDER BY id LIMIT ?4"
      ),
      by_study_(
          database,
          "SELECT d.id FROM receipt r JOIN delivery d ON d.id BETWEEN r.id * 16 AND r.id * 16 + 15 "
          "WHERE r.study_uid = ?1 AND r.id >= ?2 / 16 AND d.id > ?2 ORDER BY d.id LIMIT ?3"
      ),
      by_instance_(
          database,
          "SELECT d.id FROM receipt r JOIN delivery d ON d.id BETWEEN r.id * 16 AND r.id * 16 + 15 "
          "WHERE r.sop_instance_uid = ?1 AND r.id >= ?2 / 16 AND d.id > ?2 ORDER BY d.id LIMIT ?3"
      ),
      row_(
          database,
          "SELECT d.destination, d.state, d.attempts, d.not_before_ms, d.answer, d.delivered_ms, "
          "r.id, r.study_uid, r.series_uid, r.sop_class_uid, r.sop_instance_uid, "
          "r.transfer_syntax_uid, r.received_ms, r.calling_ae, r.peer_address, r.bytes, r.slot "
          "FROM delivery d JOIN receipt r ON r.id = d.id / 16 WHERE d.id = ?1"
      ),
      tally_(database, "SELECT destination, state, count FROM tally"),
      oldest_(
          database,
          "SELECT r.received_ms FROM receipt r WHERE r.id = (SELECT id FROM delivery "
          "WHERE destination = ?1 AND state = ?2 ORDER BY id LIMIT 1) / 16"
      ),
      state_of_(database, "SELECT state FROM delivery WHERE id = ?1"),
      study_(
          database,
          "SELECT count(DISTINCT sop_instance_uid), min(received_ms), max(received_ms) "
          "FROM receipt WHERE study_uid = ?1"
      ),
      study_deliveries_( // the last receipt of an instance is what counts
          database,
          "SELECT d.destination, d.state, max(d.id), d.delivered_ms FROM receipt r JOIN delivery d "
          "ON d.id BETWEEN r.id * 16 AND r.id * 16 + 15 WHERE r.study_uid = ?1 "
          "GROUP BY d.destination, r.sop_instance_uid"
      ),
      recent_(database, "SELECT study_uid FROM receipt ORDER BY id DESC LIMIT ?1")
{
}

void Listing::load_destinations()
{
    known_.clear();
    destinations_.with();
    while (destinations_.step()) {
        Known known;
        known.name = destinations_.text(1);
        known.held = destinations_.integer(2) != 0 || !configured_.contains(known.name);
        known.last_error = destinations_.text(3);
        known_[destinations_.integer(0)] = std::move(known);
    }
}

std::vector<QueueRow> Listing::list(const QueueFilter& filter)
{
    load_destinations();
    QueueFilter page = filter;
    page.limit = std::min(filter.limit, max_page);
    std::vector<QueueRow> rows;
    std::int64_t after = filter.after;
    while (rows.size() < page.limit) {
        const auto ids = candidates(page, after);
        for (const std::int64_t id : ids) {
            auto found = row(id);
            if (found && matches(page, *found))
                rows.push_back(std::move(*found));
            if (rows.size() == page.limit)
                break;
        }
        if (ids.size() < page.limit || page.id)
            break;
        after = ids.back();
    }
    return rows;
}

std::vector<std::int64_t> Listing::matching(const QueueFilter& filter, std::int64_t& last)
{
    load_destinations();
    const auto ids = candidates(filter, filter.after);
    last = ids.size() < filter.limit || filter.id ? 0 : ids.back();
    std::vector<std::int64_t> matched;
    for (const std::int64_t id : ids)
        if (const auto found = row(id); found && matches(filter, *found))
            matched.push_back(id);
    return matched;
}

// Ids above `after` that may match, in order; fewer than the limit where there are no more.
std::vector<std::int64_t> Listing::candidates(const QueueFilter& filter, std::int64_t after)
{
    if (filter.id)
        return {*filter.id};
    if (!filter.study && !filter.instance)
        return by_state(filter, after, filter.limit);
    Statement& statement = filter.instance ? by_instance_ : by_study_;
    statement.with(
        filter.instance ? filter.instance->str() : filter.study->str(), after, filter.limit
    );
    std::vector<std::int64_t> ids;
    while (statement.step())
        ids.push_back(statement.integer(0));
    return ids;
}

std::vector<std::int64_t>
Listing::by_state(const QueueFilter& filter, std::int64_t after, std::size_t limit)
{
    std::vector<std::int64_t> ids;
    for (const auto& [destination, known] : known_) {
        if (filter.destination && *filter.destination != known.name)
            continue;
        for (const DeliveryState state : stored_states) {
            if (!may_show(filter, state))
                continue;
            by_state_.with(destination, to_string(state), after, limit);
            while (by_state_.step())
                ids.push_back(by_state_.integer(0));
        }
    }
    std::ranges::sort(ids);
    if (ids.size() > limit)
        ids.resize(limit);
    return ids;
}

DeliveryState Listing::shown(std::int64_t delivery, std::int64_t destination, DeliveryState stored)
{
    if (stored != DeliveryState::queued && stored != DeliveryState::deferred)
        return stored;
    if (live_.leased(delivery))
        return DeliveryState::sending;
    return known_[destination].held ? DeliveryState::held : stored;
}

std::optional<QueueRow> Listing::row(std::int64_t delivery)
{
    if (!row_.with(delivery).step())
        return std::nullopt;
    QueueRow found;
    found.id = delivery;
    found.destination = known_[row_.integer(0)].name;
    const auto stored = delivery_state(row_.text(1)).value_or(DeliveryState::failed);
    found.state = shown(delivery, row_.integer(0), stored);
    found.attempts = static_cast<std::uint32_t>(row_.integer(2));
    if (found.state == DeliveryState::deferred)
        found.next_attempt = wall(row_.integer(3)) + live_.wall_ahead();
    (stored == DeliveryState::delivered ? found.answer : found.last_error) = row_.text(4);
    if (!row_.null(5))
        found.delivered = wall(row_.integer(5));
    found.receipt = static_cast<ReceiptId>(row_.integer(6));
    found.key.study = uid(row_.text(7));
    found.key.series = uid(row_.text(8));
    found.key.sop = {uid(row_.text(9)), uid(row_.text(10))};
    found.key.transfer_syntax = uid(row_.text(11));
    found.received = wall(row_.integer(12));
    found.calling_ae = row_.text(13);
    found.peer_address = row_.text(14);
    found.bytes = Bytes{static_cast<std::uint64_t>(row_.integer(15))};
    found.slot = row_.text(16);
    row_.reset();
    return found;
}

} // namespace gantry::custody
