#include "gateway/operation/metrics.h"

#include "gateway/operation/status.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <cstdio>
#include <mutex>
#include <set>

namespace gantry::operation {

namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

/// The first `most` values of a label that are seen; all later ones are "other".
class Bounded {
public:
    std::string of(std::string_view value)
    {
        const std::lock_guard lock(mutex_);
        if (const auto known = values_.find(value); known != values_.end())
            return *known;
        if (values_.size() >= most)
            return "other";
        return *values_.emplace(value).first;
    }

private:
    static constexpr std::size_t most = 200;

    std::mutex mutex_;
    std::set<std::string, std::less<>> values_;
};

std::string reason_of(const StoreOutcome& outcome)
{
    if (outcome.reason == 0)
        return std::string(to_string(outcome.kind));
    std::array<char, 8> hex{};
    std::snprintf(hex.data(), hex.size(), "%04X", static_cast<unsigned>(outcome.reason));
    return hex.data();
}

std::string_view result_of(StoreOutcome::Kind kind)
{
    using Kind = StoreOutcome::Kind;
    switch (kind) {
    case Kind::stored:
    case Kind::stored_changed:
    case Kind::already_there: return "delivered";
    case Kind::transient:
    case Kind::limited:
    case Kind::unavailable: return "deferred";
    case Kind::conflict:
    case Kind::damaged: return "quarantined";
    case Kind::refused: return "failed";
    }
    return "deferred";
}

double seconds(std::chrono::milliseconds duration)
{
    return static_cast<double>(duration.count()) / 1000.0;
}

const Histogram::BucketBoundaries flush_buckets{
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5
};

} // namespace

std::string_view to_string(StoreOutcome::Kind kind) noexcept
{
    using Kind = StoreOutcome::Kind;
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

struct Metrics::State {
    prometheus::Registry registry;

    Family<Counter>& counter(const char* name, const char* help)
    {
        return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    }

    Family<Gauge>& gauge(const char* name, const char* help)
    {
        return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
    }

    Family<Counter>& received =
        counter("gantry_received_instances_total", "Instances that peers stored or tried to");
    Family<Counter>& received_bytes =
        counter("gantry_received_bytes_total", "Bytes of the data sets that came in");
    Family<Counter>& attempts =
        counter("gantry_delivery_attempts_total", "Attempts to deliver one instance, by their end");
    Family<Counter>& delivered_bytes =
        counter("gantry_delivered_bytes_total", "Bytes of the data sets that were delivered");
    Family<Counter>& accepted =
        counter("gantry_associations_accepted_total", "Associations that were accepted");
    Family<Counter>& rejected =
        counter("gantry_associations_rejected_total", "Associations that were rejected");
    Family<Gauge>& associations = gauge("gantry_associations", "Associations now");
    Family<Gauge>& pending =
        gauge("gantry_pending_connections", "Connections whose A-ASSOCIATE-RQ is not complete");
    Family<Gauge>& http = gauge("gantry_http_connections", "HTTP connections now");
    Family<Gauge>& queue =
        gauge("gantry_queue_instances", "Instances in the queue, by destination and state");
    Family<Gauge>& oldest =
        gauge("gantry_queue_oldest_seconds", "Age of the oldest instance that is not delivered");
    Family<Gauge>& suspended =
        gauge("gantry_destination_suspended", "1: the destination does not answer and is probed");
    Family<Gauge>& held = gauge("gantry_destination_held", "1: held by an operator");
    Family<Gauge>& spool = gauge("gantry_spool_bytes", "Space of the spool");
    Family<Gauge>& accepting = gauge("gantry_accepting", "1: stores are taken");
    Family<Gauge>& cache_size = gauge("gantry_cache_bytes", "What is kept of what origins gave");
    Family<Counter>& cached = counter(
        "gantry_cache_instances_total", "Instances of the cache: hit, miss (fetched) or evicted"
    );
    Histogram& flush = prometheus::BuildHistogram()
                           .Name("gantry_flush_seconds")
                           .Help("Duration of a flush of the spool to the disk")
                           .Register(registry)
                           .Add({}, flush_buckets);

    Bounded callers;
    Bounded destinations;
    Bounded reasons;

    void observe(const DestinationStatus& destination, WallTime now);
    void observe(const StatusReport::Cache& cache);
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}

Metrics::~Metrics() = default;

void Metrics::received(
    std::string_view face, std::string_view calling_ae, std::string_view status, Bytes bytes
)
{
    const std::string caller = state_->callers.of(calling_ae);
    state_->received
        .Add(
            {{"face", std::string(face)},
             {"calling_ae", caller},
             {"status", state_->reasons.of(status)}}
        )
        .Increment();
    state_->received_bytes.Add({{"face", std::string(face)}, {"calling_ae", caller}}
    ).Increment(static_cast<double>(bytes.count));
}

void Metrics::attempted(std::string_view destination, const StoreOutcome& outcome, Bytes bytes)
{
    const std::string name = state_->destinations.of(destination);
    const std::string_view result = result_of(outcome.kind);
    state_->attempts
        .Add(
            {{"destination", name},
             {"result", std::string(result)},
             {"reason", state_->reasons.of(reason_of(outcome))}}
        )
        .Increment();
    if (result == "delivered")
        state_->delivered_bytes.Add({{"destination", name}}
        ).Increment(static_cast<double>(bytes.count));
}

void Metrics::association_accepted(std::string_view calling_ae)
{
    state_->accepted.Add({{"calling_ae", state_->callers.of(calling_ae)}}).Increment();
}

void Metrics::association_rejected(std::string_view reason)
{
    state_->rejected.Add({{"reason", state_->reasons.of(reason)}}).Increment();
}

void Metrics::flushed(std::chrono::nanoseconds duration)
{
    state_->flush.Observe(std::chrono::duration<double>(duration).count());
}

void Metrics::State::observe(const DestinationStatus& destination, WallTime now)
{
    const custody::DestinationSummary& q = destination.queue;
    const std::string name = destinations.of(q.destination);
    const std::pair<const char*, std::uint64_t> states[] = {
        {"queued", q.queued},
        {"sending", q.sending},
        {"deferred", q.deferred},
        {"failed", q.failed},
        {"quarantined", q.quarantined},
        {"held", q.held_rows},
    };
    for (const auto& [state, count] : states)
        queue.Add({{"destination", name}, {"state", state}}).Set(static_cast<double>(count));
    oldest.Add({{"destination", name}}).Set(q.oldest ? seconds(now - *q.oldest) : 0);
    suspended.Add({{"destination", name}}).Set(destination.delivery.suspended ? 1 : 0);
    held.Add({{"destination", name}}).Set(q.held ? 1 : 0);
}

void Metrics::State::observe(const StatusReport::Cache& cache)
{
    cache_size.Add({}).Set(static_cast<double>(cache.size.count));
    const std::pair<const char*, std::uint64_t> results[] = {
        {"hit", cache.hits}, {"miss", cache.misses}, {"evicted", cache.evicted}
    };
    for (const auto& [result, count] : results) {
        Counter& shown = cached.Add({{"result", result}});
        shown.Increment(static_cast<double>(count) - shown.Value());
    }
}

void Metrics::observe(const StatusReport& report)
{
    if (report.cache)
        state_->observe(*report.cache);
    for (const DestinationStatus& each : report.destinations)
        state_->observe(each, report.now);
    state_->associations.Add({}).Set(static_cast<double>(report.associations));
    state_->pending.Add({}).Set(static_cast<double>(report.pending_connections));
    state_->http.Add({}).Set(static_cast<double>(report.http_connections));
    state_->spool.Add({{"kind", "used"}}).Set(static_cast<double>(report.spool_used.count));
    state_->spool.Add({{"kind", "free"}}).Set(static_cast<double>(report.spool_free.count));
    state_->accepting.Add({}).Set(report.accepting ? 1 : 0);
}

std::string Metrics::text() const
{
    return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

} // namespace gantry::operation
