// How a queue's database is opened, and what happens to one that is damaged. Blocking, at start.
#pragma once

#include "gateway/custody/database.h"
#include "gateway/custody/queue.h"
#include "gateway/custody/queue_worker.h"

#include <filesystem>
#include <memory>

namespace gantry::custody {

/// Opens, checks and migrates; reconciles with the spool. A database that is damaged is moved
/// aside, kept, and built anew from the spool. Fails: newer_schema, database, disk.
Result<std::unique_ptr<QueueWorker>>
open_worker(const QueueOptions& options, Spool& spool, const Clock& clock);

/// The running service found the database damaged: the next start reads all of it.
void mark_suspect(const std::filesystem::path& database);

/// Brings index and spool together, in both directions.
Result<void> reconcile(Database& database, Ledger& ledger, Spool& spool, const QueueTime& time);

} // namespace gantry::custody
