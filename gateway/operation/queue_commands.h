// The operator's verbs on the queue, as control commands: queue.list, .retry, .drop, .hold,
// .release, .export, queue.studies; and status. Loop.
#pragma once

#include "gateway/custody/queue.h"
#include "gateway/custody/spool.h"
#include "gateway/operation/control.h"
#include "gateway/operation/status.h"

namespace gantry::operation {

/// Both outlive the commands.
void add_queue_commands(
    ControlCommands& commands, custody::DeliveryQueue& queue, custody::Spool& spool
);

/// "status": status_json of the report.
void add_status_command(ControlCommands& commands, StatusSource source);

/// A row as `gantry queue list --json` prints it.
json::object row_json(const custody::QueueRow& row);

} // namespace gantry::operation
