#include "gateway/custody/schema.h"

#include <string>

namespace gantry::custody {

namespace {

// `delivery.waits`: behind another delivery of the same SOP instance to the same destination that
// has not ended; of those that do not wait there is one at the most (delivery_leader). Leases are
// not here: they live and die with the process that holds them, so that a claim costs no write and
// none can be left behind. `tally` makes a summary cheap whatever the ledger has grown to.
constexpr const char* version_1 = R"sql(
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE destination (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    last_error TEXT) STRICT;
CREATE TABLE receipt (
    id INTEGER PRIMARY KEY,
    study_uid TEXT NOT NULL,
    series_uid TEXT NOT NULL,
    sop_class_uid TEXT NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    face TEXT NOT NULL,
    calling_ae TEXT NOT NULL,
    called_ae TEXT NOT NULL,
    peer_address TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 16),
    slot TEXT,
    finished_ms INTEGER) STRICT;
CREATE INDEX receipt_study ON receipt (study_uid);
CREATE INDEX receipt_instance ON receipt (sop_instance_uid);
CREATE INDEX receipt_in_spool ON receipt (finished_ms) WHERE slot IS NOT NULL;
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    destination INTEGER NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('queued', 'deferred', 'delivered', 'failed', 'quarantined', 'dropped')),
    waits INTEGER NOT NULL DEFAULT 0 CHECK (waits IN (0, 1)),
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before_ms INTEGER NOT NULL,
    delivered_ms INTEGER,
    answer TEXT,
    CHECK ((state = 'delivered') = (delivered_ms IS NOT NULL)),
    CHECK (waits = 0 OR state IN ('queued', 'deferred'))) STRICT;
CREATE INDEX delivery_ready ON delivery (destination, not_before_ms, id)
    WHERE state IN ('queued', 'deferred') AND waits = 0;
CREATE UNIQUE INDEX delivery_leader ON delivery (destination, sop_instance_uid)
    WHERE state IN ('queued', 'deferred') AND waits = 0;
CREATE INDEX delivery_waiting ON delivery (destination, sop_instance_uid, id) WHERE waits = 1;
CREATE INDEX delivery_state ON delivery (destination, state, id);
CREATE TABLE tally (
    destination INTEGER NOT NULL,
    state TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (destination, state)) STRICT, WITHOUT ROWID;
CREATE TRIGGER tally_insert AFTER INSERT ON delivery BEGIN
    INSERT INTO tally VALUES (NEW.destination, NEW.state, 1)
        ON CONFLICT (destination, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER tally_update AFTER UPDATE OF state ON delivery WHEN NEW.state <> OLD.state BEGIN
    UPDATE tally SET count = count - 1 WHERE destination = OLD.destination AND state = OLD.state;
    INSERT INTO tally VALUES (NEW.destination, NEW.state, 1)
        ON CONFLICT (destination, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER tally_delete AFTER DELETE ON delivery BEGIN
    UPDATE tally SET count = count - 1 WHERE destination = OLD.destination AND state = OLD.state;
END;
)sql";

// steps[n] leads from version n to version n + 1.
constexpr const char* steps[] = {version_1};
static_assert(std::size(steps) == schema_version);

std::int64_t version_of(Database& database)
{
    Statement version(database, "PRAGMA user_version");
    return version.step() ? version.integer(0) : 0;
}

Error newer(std::int64_t version)
{
    return error(
        Errc::newer_schema,
        "the queue is of version " + std::to_string(version) + ", this program knows " +
            std::to_string(schema_version)
    );
}

} // namespace

Result<void> migrate(Database& database)
{
    database.clear();
    const std::int64_t version = version_of(database);
    if (auto read = database.outcome(); !read)
        return read;
    if (version > schema_version)
        return newer(version);
    if (version == schema_version)
        return {};
    database.begin();
    for (auto step = static_cast<std::size_t>(version); step < std::size(steps); ++step)
        database.run(steps[step]);
    static_assert(schema_version == 1); // a PRAGMA takes no parameter
    database.run("PRAGMA user_version = 1");
    return database.commit();
}

Result<void> check_version(Database& database)
{
    const std::int64_t version = version_of(database);
    if (auto read = database.outcome(); !read)
        return read;
    if (version > schema_version)
        return newer(version);
    if (version < schema_version)
        return error(Errc::database, "not a queue of this version; the service migrates it");
    return {};
}

} // namespace gantry::custody
