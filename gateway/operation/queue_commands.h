// The operator's verbs on the queue, as control commands: queue.list, .retry, .drop, .hold,
// .release, .export, queue.studies; and status. Loop.
#pragma once

#include "gateway/custody/queue.h"
#include "gateway/custody/spool.h"
#include "gateway/loop/worker_pool.h"
#include "gateway/operation/control.h"
#include "gateway/operation/status.h"

namespace gantry::operation {

/// All outlive the commands. `disk` runs the spool's reads.
void add_queue_commands(
    ControlCommands& commands,
    custody::DeliveryQueue& queue,
    custody::Spool& spool,
    WorkerPool& disk
);

/// What the arguments of a command select: destination, state, study, instance, id, all, limit. The
/// error's detail is for people.
Result<custody::QueueFilter> queue_filter(const json::object& args);

/// "status": status_json of the report.
void add_status_command(ControlCommands& commands, StatusSource source);

/// A row as `gantry queue list --json` prints it.
json::object row_json(const custody::QueueRow& row);

json::object study_json(const custody::StudySummary& study);

} // namespace gantry::operation
