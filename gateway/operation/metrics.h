// Counts what happens, for Prometheus. Any thread. The number of label values is bounded: names
// beyond the bound are counted as "other".
#pragma once

#include "gateway/origin.h"
#include "mapping/vocabulary/bytes.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace gantry::operation {

struct StatusReport;

class Metrics {
public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    /// One instance that a peer stored or tried to: `face` "dimse" or "web"; `status` as it was
    /// answered, "0000", "A700", "200".
    void received(
        std::string_view face, std::string_view calling_ae, std::string_view status, Bytes bytes
    );

    /// One attempt at one delivery.
    void attempted(std::string_view destination, const StoreOutcome& outcome, Bytes bytes);

    void association_accepted(std::string_view calling_ae);

    /// `reason`: the name of the refusal.
    void association_rejected(std::string_view reason);

    void flushed(std::chrono::nanoseconds duration);

    /// Sets the gauges: queue, spool, associations.
    void observe(const StatusReport& report);

    /// Prometheus text exposition format 0.0.4.
    std::string text() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// "stored", "already_there" ...: for labels and logs.
std::string_view to_string(StoreOutcome::Kind kind) noexcept;

} // namespace gantry::operation
