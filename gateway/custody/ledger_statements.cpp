// The ledger's statements, each prepared once.
#include "gateway/custody/ledger.h"

namespace gantry::custody {

Ledger::Ledger(Database& database, std::chrono::milliseconds keep_delivered)
    : database_(database),
      keep_delivered_(keep_delivered),
      destinations_(database, "SELECT id, name, held FROM destination ORDER BY id"),
      find_destination_(database, "SELECT id FROM destination WHERE name = ?1"),
      add_destination_(database, "INSERT INTO destination (name) VALUES (?1) RETURNING id"),
      hold_(database, "UPDATE destination SET held = ?2 WHERE name = ?1"),
      set_last_error_(database, "UPDATE destination SET last_error = ?2 WHERE id = ?1"),
      add_receipt_(
          database,
          "INSERT INTO receipt VALUES "
          "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, NULL) "
          "ON CONFLICT (id) DO NOTHING"
      ),
      add_delivery_(
          database,
          "INSERT INTO delivery (id, destination, sop_instance_uid, state, waits, not_before_ms) "
          "VALUES (?1, ?2, ?3, 'queued', ?4, ?5)"
      ),
      find_leader_(
          database,
          "SELECT 1 FROM delivery WHERE destination = ?1 AND sop_instance_uid = ?2 "
          "AND state IN ('queued', 'deferred') AND waits = 0"
      ),
      load_(
          database,
          "SELECT destination, sop_instance_uid, state, waits, attempts FROM delivery WHERE id = ?1"
      ),
      set_ended_(
          database,
          "UPDATE delivery SET state = ?2, waits = 0, attempts = ?3, "
          "answer = coalesce(?4, answer), "
          "delivered_ms = ?5 WHERE id = ?1"
      ),
      set_deferred_(
          database,
          "UPDATE delivery SET state = 'deferred', attempts = ?2, answer = ?3, not_before_ms = ?4 "
          "WHERE id = ?1"
      ),
      set_attempts_(database, "UPDATE delivery SET attempts = ?2 WHERE id = ?1"),
      set_queued_(
          database,
          "UPDATE delivery SET state = 'queued', waits = ?2, not_before_ms = ?3 WHERE id = ?1"
      ),
      next_waiting_(
          database,
          "SELECT id FROM delivery WHERE destination = ?1 AND sop_instance_uid = ?2 AND waits = 1 "
          "ORDER BY id LIMIT 1"
      ),
      set_leading_(database, "UPDATE delivery SET waits = 0 WHERE id = ?1"),
      identical_(
          database,
          "SELECT 1 FROM receipt a, receipt b WHERE a.id = ?1 AND b.id = ?2 AND a.digest = "
          "b.digest "
          "AND a.bytes = b.bytes AND a.transfer_syntax_uid = b.transfer_syntax_uid "
          "AND a.sop_class_uid = b.sop_class_uid"
      ),
      count_open_(
          database,
          "SELECT count(*) FROM delivery WHERE id BETWEEN ?1 AND ?1 + 15 "
          "AND state NOT IN ('delivered', 'dropped')"
      ),
      slot_of_(database, "SELECT slot FROM receipt WHERE id = ?1"),
      set_finished_(database, "UPDATE receipt SET finished_ms = ?2, slot = ?3 WHERE id = ?1"),
      deliveries_of_(database, "SELECT id FROM delivery WHERE id BETWEEN ?1 AND ?1 + 15"),
      kept_(
          database,
          "SELECT id, slot FROM receipt WHERE slot IS NOT NULL AND finished_ms <= ?1 "
          "ORDER BY finished_ms LIMIT ?2"
      ),
      forget_slot_(database, "UPDATE receipt SET slot = NULL WHERE id = ?1"),
      oldest_(
          database,
          "SELECT id, slot IS NULL AND finished_ms <= ?3 FROM receipt "
          "WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?4"
      ),
      delete_deliveries_(database, "DELETE FROM delivery WHERE id BETWEEN ?1 AND ?1 + 15"),
      delete_receipt_(database, "DELETE FROM receipt WHERE id = ?1"),
      set_pruned_(
          database,
          "INSERT INTO meta VALUES ('pruned_to', ?1) ON CONFLICT (name) DO UPDATE "
          "SET value = max(value, excluded.value)"
      ),
      undelivered_(
          database,
          "SELECT coalesce(sum(count), 0) FROM tally WHERE state NOT IN ('delivered', 'dropped')"
      ),
      probe_(
          database,
          "INSERT INTO meta VALUES ('probed_ms', ?1) ON CONFLICT (name) DO UPDATE "
          "SET value = excluded.value"
      )
{
}

} // namespace gantry::custody
