-- The statements of looking up open tasks. Each locks rows of open_task only with SKIP LOCKED, so that none waits for a
-- transaction that records a callback; a row that is left out for that is found in the next round.

-- name: lock-due
-- Tasks to look up, those that have waited longest first.
SELECT task_id
  FROM open_task
 WHERE provider = ?
   AND next_lookup_at <= ?
   AND (leased_until IS NULL OR leased_until < ?)
 ORDER BY next_lookup_at
 LIMIT ?
   FOR UPDATE SKIP LOCKED

-- name: lock-not-due
-- Tasks of which nothing was asked for some time, and that are not due yet.
SELECT task_id
  FROM open_task
 WHERE provider = ?
   AND next_lookup_at > ?
   AND (last_lookup_at IS NULL OR last_lookup_at < ?)
 ORDER BY next_lookup_at
 LIMIT ?
   FOR UPDATE SKIP LOCKED

-- name: lock-overdue-not-asked
-- Overdue tasks whose provider was not asked since they are.
SELECT task_id
  FROM open_task
 WHERE provider = ?
   AND overdue_at <= ?
   AND (next_lookup_at IS NULL OR next_lookup_at > ?)
   AND (last_lookup_at IS NULL OR last_lookup_at < overdue_at)
 LIMIT ?
   FOR UPDATE SKIP LOCKED

-- name: lock-overdue
-- Overdue tasks about which no alert was raised, and whose provider was asked since they are, or can't be asked in time.
SELECT task_id
  FROM open_task
 WHERE provider = ?
   AND overdue_at <= ?
   AND (overdue_at <= ? OR last_lookup_at >= overdue_at)
 ORDER BY overdue_at
 LIMIT ?
   FOR UPDATE SKIP LOCKED

-- name: lock-leased
-- The tasks of a lease, except those that are over by now.
SELECT task_id
  FROM open_task
 WHERE provider = ?
   AND task_id = ANY(?)
   AND lease_id = ?
   FOR UPDATE SKIP LOCKED

-- name: select-open-tasks
SELECT open_task.task_id, open_task.opened_at, open_task.lookups, open_task.last_lookup_at, open_task.last_answer,
       open_task.overdue_at, task.family
  FROM open_task
  JOIN task
    ON task.task_id = open_task.task_id
   AND task.provider = open_task.provider
 WHERE open_task.provider = ?
   AND open_task.task_id = ANY(?)

-- name: select-task
-- Where one task stands, for a look-up by hand.
SELECT task_id, family, outcome, status, failure_reason, occurred_at, changed_at
  FROM task
 WHERE provider = ?
   AND task_id = ?

-- name: count-open-tasks
-- A task that is given up is not over, but it does not become older.
SELECT provider, COUNT(*) AS tasks, MIN(CASE WHEN next_lookup_at IS NOT NULL THEN opened_at END) AS oldest
  FROM open_task
 GROUP BY provider

-- name: make-due
UPDATE open_task
   SET next_lookup_at = ?
 WHERE provider = ?
   AND task_id = ?

-- name: lease
UPDATE open_task
   SET lease_id = ?, leased_until = ?
 WHERE provider = ?
   AND task_id = ?

-- name: release
-- The task stays due.
UPDATE open_task
   SET lease_id = NULL, leased_until = NULL
 WHERE provider = ?
   AND task_id = ?

-- name: release-all
UPDATE open_task
   SET lease_id = NULL, leased_until = NULL
 WHERE provider = ?
   AND lease_id IS NOT NULL

-- name: note-answer
-- If the provider was heard since the lease began, the times that follow from that stay.
UPDATE open_task
   SET lease_id = NULL, leased_until = NULL, last_lookup_at = ?, last_answer = ?,
       lookups = CASE WHEN next_lookup_at > ? THEN lookups ELSE lookups + 1 END,
       next_lookup_at = CASE WHEN next_lookup_at > ? THEN next_lookup_at ELSE ? END
 WHERE provider = ?
   AND task_id = ?

-- name: delete-finished
-- A task that was over before its provider was asked about a callback that was not recorded; unless another one was not
-- recorded since the lease began.
DELETE FROM open_task
 WHERE next_lookup_at <= ?
   AND provider = ?
   AND task_id = ?
   AND EXISTS (SELECT 1
                 FROM task
                WHERE task.provider = open_task.provider
                  AND task.task_id = open_task.task_id
                  AND (task.outcome = 'failed'
                       OR task.outcome = 'completed'
                          AND (task.expects IS NULL
                               OR EXISTS (SELECT 1
                                            FROM result
                                           WHERE result.provider = task.provider
                                             AND result.task_id = task.task_id
                                             AND result.kind = task.expects))))

-- name: raise-overdue
-- Once a task.
INSERT INTO alert (alert_id, kind, provider, task_id, revision, detail, created_at)
VALUES (?, 'overdue', ?, ?, 0, ?, ?)
    ON CONFLICT DO NOTHING

-- name: mark-told
UPDATE open_task
   SET overdue_at = NULL
 WHERE provider = ?
   AND task_id = ?

-- name: raise-refused
-- Once a day for a provider.
INSERT INTO alert (alert_id, kind, provider, dedup_key, detail, created_at)
VALUES (?, 'lookup_refused', ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
