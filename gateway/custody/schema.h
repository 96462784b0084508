// The tables of queue and ledger, and the way from older ones. Called at start, by whoever opened
// the database.
#pragma once

#include "gateway/custody/database.h"

namespace gantry::custody {

inline constexpr std::int64_t schema_version = 1;

/// A delivery's id: sixteen to a receipt, in the order of its envelope's destinations.
inline constexpr std::int64_t deliveries_per_receipt = 16;

/// Creates the tables, or brings older ones up to date, in one transaction. Fails: newer_schema
/// (nothing is touched), database.
Result<void> migrate(Database& database);

/// For readers. Fails: newer_schema; database where it is older, or not ours.
Result<void> check_version(Database& database);

} // namespace gantry::custody
