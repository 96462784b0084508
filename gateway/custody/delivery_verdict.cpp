#include "gateway/custody/delivery_verdict.h"

#include <algorithm>

namespace gantry::custody {

namespace {

using Kind = StoreOutcome::Kind;

DeliveryState state_of(const StoreOutcome& outcome, const RecordingContext& context)
{
    const std::uint32_t attempts = std::max(context.limited_attempts, outcome.max_attempts);
    switch (outcome.kind) {
    case Kind::stored:
    case Kind::stored_changed:
    case Kind::already_there: return DeliveryState::delivered;
    case Kind::transient:
    case Kind::unavailable: return DeliveryState::deferred;
    case Kind::limited:
        return context.limited_seen < attempts ? DeliveryState::deferred : DeliveryState::failed;
    case Kind::conflict:
    case Kind::damaged: return DeliveryState::quarantined;
    case Kind::refused: return DeliveryState::failed;
    }
    return DeliveryState::deferred;
}

} // namespace

std::uint32_t LimitedAttempts::count(std::int64_t delivery)
{
    if (counts_.size() >= most)
        counts_.clear();
    return ++counts_[delivery];
}

DeliveryRecord
record_of(const Delivery& delivery, const StoreOutcome& outcome, const RecordingContext& context)
{
    DeliveryRecord record;
    record.id = delivery.id;
    record.state = state_of(outcome, context);
    record.answer = outcome.answer;
    record.kind = outcome.kind;
    record.reason = outcome.reason;
    record.counts = outcome.kind != Kind::unavailable;
    record.next_attempt = context.now;
    if (record.state == DeliveryState::deferred && outcome.kind != Kind::unavailable) {
        const auto age = context.now - delivery.instance.envelope.received;
        record.next_attempt +=
            retry_delay(context.backoff, age, outcome.retry_after, context.chance);
    }
    return record;
}

bool tells_of_overload(Kind kind) noexcept
{
    return kind == Kind::transient || kind == Kind::limited || kind == Kind::unavailable;
}

const char* to_string(Kind kind) noexcept
{
    switch (kind) {
    case Kind::stored: return "stored";
    case Kind::stored_changed: return "stored_changed";
    case Kind::already_there: return "already_there";
    case Kind::transient: return "transient";
    case Kind::limited: return "limited";
    case Kind::unavailable: return "unavailable";
    case Kind::conflict: return "conflict";
    case Kind::refused: return "refused";
    case Kind::damaged: return "damaged";
    }
    return "unknown";
}

} // namespace gantry::custody
