// Hands out deliveries under leases. Leases are in memory: they end with the process, so that none
// is left behind by a crash and none costs a write. On the thread that owns the database.
#pragma once

#include "gateway/custody/database.h"
#include "gateway/custody/ledger.h"
#include "gateway/custody/queue.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace gantry::custody {

struct ClaimRequest {
    std::int64_t destination = 0;
    std::string name;
    std::size_t max_instances = 1;
    Bytes max_bytes;
    std::chrono::seconds lease{};
};

class Claims {
public:
    explicit Claims(Database& database);

    /// Of one study, in the order in which they fell due.
    std::vector<Delivery> claim(const ClaimRequest& request, std::int64_t now_ms, SteadyTime now);
    void renew(std::int64_t delivery, SteadyTime until);
    void end(std::int64_t delivery);

    bool leased(std::int64_t delivery) const { return leases_.contains(delivery); }

    /// The leases of one destination.
    std::vector<std::int64_t> leased_to(std::int64_t destination) const;
    /// Those that ran out are ready again; when the next one will.
    std::optional<SteadyTime> expire(SteadyTime now);
    /// Queue time at which the first delivery that is not leased is ready, which may be past.
    std::optional<std::int64_t> next_ready(std::int64_t destination);

private:
    struct Lease {
        std::int64_t destination = 0;
        SteadyTime until;
    };

    std::optional<Delivery> load(std::int64_t delivery, const std::string& destination);

    std::unordered_map<std::int64_t, Lease> leases_;
    Statement ready_;
    Statement load_;
};

} // namespace gantry::custody
