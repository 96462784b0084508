// The contract of scheduled and performed work, however it is reached: UPS-RS and the web modality
// services (PS3.18 chapters 11, 14, 15), DIMSE (Modality Worklist, MPPS, UPS), or our own store. On
// the loop.
#pragma once

#include "gateway/loop/asio.h"
#include "gateway/origin.h"
#include "mapping/vocabulary/ae_title.h"
#include "mapping/vocabulary/dimse_status.h"
#include "mapping/vocabulary/result.h"
#include "mapping/vocabulary/uid.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

class DcmDataset;

namespace gantry {

/// Outcome of a change: the DIMSE status of the service (PS3.4 F.7, CC.2), from which the web's
/// status follows by table.
struct WorkOutcome {
    DimseStatus status;
    bool unavailable = false; // could not be asked: keep it and try again
    std::vector<std::string> warnings;
    std::unique_ptr<DcmDataset> attributes; // where the service returns some
};

/// States of a workitem (PS3.4 CC.1.1).
enum class WorkitemState : std::uint8_t { scheduled, in_progress, completed, cancelled };

struct StateChange {
    Uid workitem;
    WorkitemState to = WorkitemState::in_progress;
    Uid transaction; // of the performer that holds the lock
};

/// Who wants to hear of which workitems (PS3.4 CC.2.3).
struct Subscription {
    AeTitle subscriber;
    std::optional<Uid> workitem; // empty: all, or those that match `filter`
    std::shared_ptr<const DcmDataset> filter;
    bool deletion_lock = false;
};

/// An event report (PS3.4 CC.2.4), for DIMSE and the WebSocket channel alike.
struct WorkEvent {
    std::uint64_t number =
        0; // rises; a subscriber that comes back asks for what is after the last it saw
    Uid workitem;
    std::uint16_t type = 0;
    std::shared_ptr<const DcmDataset> report;
};

class EventSink {
public:
    virtual ~EventSink() = default;
    /// Completes when the subscriber has it; only then is it forgotten.
    virtual asio::awaitable<Result<void>> event(WorkEvent event) = 0;
};

struct WorkflowAbilities {
    bool scheduled_steps = false;
    bool performed_steps = false;
    bool workitems = false;
    bool subscriptions = false;
    bool commitment = false;
};

/// Storage commitment (PS3.4 J, PS3.18 13): who asked for which instances.
struct CommitmentRequest {
    Uid transaction;
    AeTitle requester;
    std::vector<SopReference> instances;
};

struct CommitmentResult {
    std::vector<SopReference> committed;
    std::vector<std::pair<SopReference, std::uint16_t>> failed; // with failure reason (PS3.3 C.14)
};

class Workflow {
public:
    virtual ~Workflow() = default;
    virtual const std::string& name() const = 0;
    virtual WorkflowAbilities abilities() const = 0;

    /// Modality Worklist (PS3.4 K): items that match `keys`.
    virtual asio::awaitable<FindEnd>
    scheduled_steps(std::shared_ptr<const DcmDataset> keys, FindSink& items) = 0;

    /// MPPS (PS3.4 F.7): N-CREATE, N-SET, N-GET.
    virtual asio::awaitable<WorkOutcome>
    create_performed_step(Uid instance, std::shared_ptr<const DcmDataset> attributes) = 0;
    virtual asio::awaitable<WorkOutcome>
    update_performed_step(Uid instance, std::shared_ptr<const DcmDataset> changes) = 0;
    virtual asio::awaitable<WorkOutcome> performed_step(Uid instance) = 0;

    /// Workitems (PS3.4 CC.2, PS3.18 11).
    virtual asio::awaitable<WorkOutcome>
    create_workitem(Uid workitem, std::shared_ptr<const DcmDataset> attributes) = 0;
    virtual asio::awaitable<WorkOutcome> workitem(Uid workitem) = 0;
    virtual asio::awaitable<WorkOutcome>
    update_workitem(Uid workitem, Uid transaction, std::shared_ptr<const DcmDataset> changes) = 0;
    virtual asio::awaitable<WorkOutcome> change_state(StateChange change) = 0;
    virtual asio::awaitable<WorkOutcome>
    request_cancellation(Uid workitem, std::shared_ptr<const DcmDataset> reason) = 0;
    virtual asio::awaitable<FindEnd>
    workitems(std::shared_ptr<const DcmDataset> keys, FindSink& items) = 0;
    virtual asio::awaitable<WorkOutcome> subscribe(Subscription subscription) = 0;
    virtual asio::awaitable<WorkOutcome> unsubscribe(Subscription subscription) = 0;
    /// Gives events after `last_seen` until cancelled.
    virtual asio::awaitable<void>
    events(AeTitle subscriber, std::uint64_t last_seen, EventSink& sink) = 0;

    /// Asks for the commitment of others' instances and waits for the answer, at most until the
    /// caller cancels.
    virtual asio::awaitable<Result<CommitmentResult>> commit(CommitmentRequest request) = 0;
};

} // namespace gantry
