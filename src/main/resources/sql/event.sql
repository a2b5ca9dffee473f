-- The statements of events. All but those of one event by its id lock rows only with SKIP LOCKED, or in the order of their
-- tasks, so that processes do not deadlock.

-- name: insert-event
INSERT INTO event (event_id, type, provider, task_id, data, state, created_at, pending_since, next_attempt_at)
VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?)

-- name: select-due
-- Events to attempt, those that have waited longest first; among them are some behind an earlier event of their task. Not
-- locked here: with ORDER BY, H2 would lock and sort all that are due, whatever the limit.
SELECT position
  FROM event
 WHERE next_attempt_at <= ?
 ORDER BY next_attempt_at, position
 LIMIT ?

-- name: lock-due
SELECT position, provider, task_id
  FROM event
 WHERE position = ANY(?)
   AND next_attempt_at <= ?
 ORDER BY next_attempt_at, position
   FOR UPDATE SKIP LOCKED

-- name: select-pending
-- The pending events of tasks, of which only the oldest may be attempted. A statement of its own after lock-due, so that it
-- sees what was committed before the locks. H2 would evaluate a subquery for the oldest once for each event that is stored,
-- and with state = 'pending' it would read all that are pending, by the index of states.
SELECT position, provider, task_id, next_attempt_at, lease_id
  FROM event
 WHERE task_id = ANY(?)
   AND ended_at IS NULL

-- name: put-off
UPDATE event
   SET next_attempt_at = ?, lease_id = NULL
 WHERE position = ?

-- name: lease
UPDATE event
   SET next_attempt_at = ?, lease_id = ?
 WHERE position = ANY(?)

-- name: select-leased
-- What an attempt needs. Long data are read when the attempt begins.
SELECT position, event_id, type, provider, task_id, attempts, created_at, pending_since,
       CASE WHEN LENGTH(data) <= 32768 THEN data END AS data
  FROM event
 WHERE position = ANY(?)
 ORDER BY position

-- name: select-data
SELECT data
  FROM event
 WHERE position = ?

-- name: renew-lease
UPDATE event
   SET next_attempt_at = ?
 WHERE position = ?
   AND lease_id = ?

-- name: mark-delivered
UPDATE event
   SET state = 'delivered', ended_at = ?, attempts = attempts + 1, last_error = NULL, next_attempt_at = NULL,
       lease_id = NULL
 WHERE position = ?
   AND lease_id = ?

-- name: mark-failed
UPDATE event
   SET next_attempt_at = ?, attempts = attempts + 1, last_error = ?, lease_id = NULL
 WHERE position = ?
   AND lease_id = ?

-- name: mark-dead
UPDATE event
   SET state = 'dead', ended_at = ?, attempts = attempts + 1, last_error = ?, next_attempt_at = NULL, lease_id = NULL
 WHERE position = ?
   AND lease_id = ?

-- name: release
-- The event was not attempted.
UPDATE event
   SET next_attempt_at = ?, lease_id = NULL
 WHERE position = ?
   AND lease_id = ?

-- name: make-next-due
-- The event of a task behind one that is over, if it was put off.
UPDATE event
   SET next_attempt_at = ?
 WHERE position = ?
   AND lease_id IS NULL
   AND next_attempt_at > ?

-- name: lock-waiting
-- Events that wait for a later attempt.
SELECT position
  FROM event
 WHERE next_attempt_at > ?
   AND lease_id IS NULL
 FETCH FIRST 1000 ROWS ONLY
   FOR UPDATE SKIP LOCKED

-- name: make-due
UPDATE event
   SET next_attempt_at = ?
 WHERE position = ANY(?)

-- name: release-all
-- The leases of a process that has ended.
UPDATE event
   SET next_attempt_at = ?, lease_id = NULL
 WHERE next_attempt_at > ?
   AND lease_id IS NOT NULL

-- name: lock-overdue
-- Events that have waited for too long, while the receiver takes none.
SELECT position
  FROM event
 WHERE state = 'pending'
   AND pending_since < ?
   AND lease_id IS NULL
 FETCH FIRST 1000 ROWS ONLY
   FOR UPDATE SKIP LOCKED

-- name: mark-overdue
UPDATE event
   SET state = 'dead', ended_at = ?, last_error = ?, next_attempt_at = NULL
 WHERE position = ANY(?)

-- name: lock-event
SELECT position, state, lease_id
  FROM event
 WHERE event_id = ?
   FOR UPDATE

-- name: select-replayed
-- Delivered and dead events since a time, in steps.
SELECT position
  FROM event
 WHERE position > ?
   AND created_at >= ?
   AND state <> 'pending'
 ORDER BY position
 FETCH FIRST 1000 ROWS ONLY

-- name: lock-replayed
SELECT position
  FROM event
 WHERE position = ANY(?)
   AND state <> 'pending'
   FOR UPDATE SKIP LOCKED

-- name: make-pending
UPDATE event
   SET state = 'pending', pending_since = ?, next_attempt_at = ?, attempts = 0, last_error = NULL, ended_at = NULL,
       lease_id = NULL
 WHERE position = ANY(?)

-- name: count-pending
SELECT COUNT(*) AS pending, MIN(created_at) AS oldest
  FROM event
 WHERE state = 'pending'

-- name: lock-expired
SELECT position
  FROM event
 WHERE state = ?
   AND ended_at < ?
 FETCH FIRST 1000 ROWS ONLY
   FOR UPDATE SKIP LOCKED

-- name: delete-events
DELETE FROM event
 WHERE position = ANY(?)

-- name: raise-undelivered
-- Once a day for a receiver.
INSERT INTO alert (alert_id, kind, provider, dedup_key, detail, created_at)
VALUES (?, 'undelivered', ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
