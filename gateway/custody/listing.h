// What the queue and the ledger say to people: rows, sums, studies. Reads only; on the thread that
// owns the connection.
#pragma once

#include "gateway/custody/database.h"
#include "gateway/custody/queue.h"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace gantry::custody {

/// What the running service knows beyond the database.
struct LiveState {
    std::function<bool(std::int64_t delivery)> leased = [](std::int64_t) { return false; };
    std::function<std::vector<std::int64_t>(std::int64_t destination)> leased_to =
        [](std::int64_t) { return std::vector<std::int64_t>(); };
    std::function<std::chrono::milliseconds()> wall_ahead = // of queue time
        [] { return std::chrono::milliseconds(0); };
};

class Listing {
public:
    Listing(Database& database, std::span<const std::string> configured, LiveState live = {});

    /// Destinations are read at each call: they are few.
    std::vector<QueueRow> list(const QueueFilter& filter);
    /// Ids of matching rows above filter.after, at most filter.limit looked at; the last one looked
    /// at in `last`, 0 at the end. For verbs that go through many rows bit by bit.
    std::vector<std::int64_t> matching(const QueueFilter& filter, std::int64_t& last);
    std::vector<DestinationSummary> summary();
    std::vector<StudySummary> studies(const std::optional<Uid>& study, std::size_t limit);

private:
    struct Known {
        std::string name;
        bool held = false; // by an operator, or no longer configured
        std::string last_error;
    };

    void load_destinations();
    std::vector<std::int64_t> candidates(const QueueFilter& filter, std::int64_t after);
    std::vector<std::int64_t>
    by_state(const QueueFilter& filter, std::int64_t after, std::size_t limit);
    std::optional<QueueRow> row(std::int64_t delivery);
    DeliveryState shown(std::int64_t delivery, std::int64_t destination, DeliveryState stored);
    void count(DestinationSummary& summary, DeliveryState state, std::uint64_t rows) const;
    void add_live(DestinationSummary& summary, std::int64_t destination);
    StudySummary study_of(const std::string& uid);
    std::vector<std::string> recent_studies(std::size_t limit);

    const std::set<std::string> configured_;
    const LiveState live_;
    std::map<std::int64_t, Known> known_;

    Statement destinations_;
    Statement by_state_;
    Statement by_study_;
    Statement by_instance_;
    Statement row_;
    Statement tally_;
    Statement oldest_;
    Statement state_of_;
    Statement study_;
    Statement study_deliveries_;
    Statement recent_;
};

} // namespace gantry::custody
