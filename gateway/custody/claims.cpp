#include "gateway/custody/claims.h"

#include <algorithm>
#include <utility>

namespace gantry::custody {

namespace {

// How far beyond the first ready delivery others of its study are looked for, for each that may be
// claimed: enough for several modalities storing at once.
constexpr std::size_t look_ahead = 16;

Uid uid(const std::string& text)
{
    return Uid::parse(text).value_or(Uid());
}

} // namespace

Claims::Claims(Database& database)
    : ready_(
          database,
          "SELECT id, not_before_ms FROM delivery WHERE destination = ?1 "
          "AND state IN ('queued', 'deferred') AND waits = 0 AND not_before_ms <= ?2 "
          "ORDER BY not_before_ms, id"
      ),
      load_(
          database,
          "SELECT d.attempts, r.id, r.study_uid, r.series_uid, r.sop_class_uid, "
          "r.sop_instance_uid, r.transfer_syntax_uid, r.face, r.calling_ae, r.called_ae, "
          "r.peer_address, r.received_ms, r.bytes, r.digest, r.slot "
          "FROM delivery d JOIN receipt r ON r.id = d.id / 16 WHERE d.id = ?1"
      )
{
}

std::vector<Delivery>
Claims::claim(const ClaimRequest& request, std::int64_t now_ms, SteadyTime now)
{
    std::vector<Delivery> claimed;
    Bytes bytes;
    std::size_t looked_at = 0;
    ready_.with(request.destination, now_ms);
    while (claimed.size() < request.max_instances && ready_.step()) {
        const std::int64_t id = ready_.integer(0);
        if (leased(id))
            continue;
        if (++looked_at > request.max_instances * look_ahead)
            break;
        auto delivery = load(id, request.name);
        if (!delivery)
            break;
        const Envelope& envelope = delivery->instance.envelope;
        if (!claimed.empty()) {
            if (envelope.key.study != claimed.front().instance.envelope.key.study)
                continue;
            if (bytes + envelope.length > request.max_bytes)
                break;
        }
        bytes = bytes + envelope.length;
        claimed.push_back(std::move(*delivery));
    }
    ready_.reset();
    for (const Delivery& delivery : claimed)
        leases_[delivery.id] = {request.destination, now + request.lease};
    return claimed;
}

std::optional<Delivery> Claims::load(std::int64_t delivery, const std::string& destination)
{
    if (!load_.with(delivery).step())
        return std::nullopt;
    Delivery loaded;
    loaded.id = delivery;
    loaded.destination = destination;
    loaded.attempts = static_cast<std::uint32_t>(load_.integer(0) + 1);
    Envelope& e = loaded.instance.envelope;
    e.id = static_cast<ReceiptId>(load_.integer(1));
    e.key.study = uid(load_.text(2));
    e.key.series = uid(load_.text(3));
    e.key.sop = {uid(load_.text(4)), uid(load_.text(5))};
    e.key.transfer_syntax = uid(load_.text(6));
    e.face = load_.text(7);
    e.calling_ae = load_.text(8);
    e.called_ae = load_.text(9);
    e.peer_address = load_.text(10);
    e.received = WallTime(std::chrono::milliseconds(load_.integer(11)));
    e.destinations = {destination};
    e.length = Bytes{static_cast<std::uint64_t>(load_.integer(12))};
    const ConstBytes digest = load_.blob(13);
    std::copy_n(digest.begin(), std::min(digest.size(), e.digest.size()), e.digest.begin());
    loaded.instance.slot = load_.text(14);
    load_.reset();
    return loaded;
}

void Claims::renew(std::int64_t delivery, SteadyTime until)
{
    if (const auto lease = leases_.find(delivery); lease != leases_.end())
        lease->second.until = until;
}

void Claims::end(std::int64_t delivery)
{
    leases_.erase(delivery);
}

std::vector<std::int64_t> Claims::leased_to(std::int64_t destination) const
{
    std::vector<std::int64_t> deliveries;
    for (const auto& [delivery, lease] : leases_)
        if (lease.destination == destination)
            deliveries.push_back(delivery);
    std::ranges::sort(deliveries);
    return deliveries;
}

std::optional<SteadyTime> Claims::expire(SteadyTime now)
{
    std::erase_if(leases_, [now](const auto& lease) { return lease.second.until <= now; });
    std::optional<SteadyTime> next;
    for (const auto& [delivery, lease] : leases_)
        next = std::min(next.value_or(lease.until), lease.until);
    return next;
}

std::optional<std::int64_t> Claims::next_ready(std::int64_t destination)
{
    constexpr std::int64_t whenever = INT64_MAX;
    std::optional<std::int64_t> next;
    ready_.with(destination, whenever);
    while (!next && ready_.step())
        if (!leased(ready_.integer(0)))
            next = ready_.integer(1);
    ready_.reset();
    return next;
}

} // namespace gantry::custody
