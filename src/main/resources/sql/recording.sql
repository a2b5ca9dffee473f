-- The statements of recording a group of callbacks, in the order of its transaction.

-- name: select-task-keys
-- Which tasks with these ids exist; does not lock them.
SELECT provider, task_id
  FROM task
 WHERE task_id = ANY(?)

-- name: insert-task
-- The columns in the order of update-task, so that one method sets both.
INSERT INTO task (task_type, family, business_id, source_task_id, regen_type, status, outcome, failure_reason,
                  occurred_at, last_callback_at, changed_at, outcome_since, applied_callback_id, applied_occurred_at,
                  applied_received_at, revision, provider, task_id, first_received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: lock-task
-- Locks a task of the group and records that a callback of it arrived. Executed in the order of the keys.
UPDATE task
   SET last_callback_at = GREATEST(last_callback_at, ?)
 WHERE provider = ?
   AND task_id = ?

-- name: select-tasks
SELECT provider, task_id, task_type, family, business_id, source_task_id, regen_type, status, outcome, failure_reason,
       expects, overdue_after, occurred_at, first_received_at, last_callback_at, changed_at, outcome_since,
       applied_callback_id, applied_occurred_at, applied_received_at, revision
  FROM task
 WHERE task_id = ANY(?)

-- name: select-occurrences
-- How often each of these bodies is stored for each of these tasks.
SELECT provider, task_id, digest, COUNT(*) AS occurrences
  FROM callback
 WHERE task_id = ANY(?)
   AND digest = ANY(?)
 GROUP BY provider, task_id, digest

-- name: select-files
-- The files of tasks, by the digest of their URL.
SELECT provider, task_id, url_digest, kind
  FROM result
 WHERE task_id = ANY(?)

-- name: update-task
-- A task after the callbacks that were applied to it.
UPDATE task
   SET task_type = ?, family = ?, business_id = ?, source_task_id = ?, regen_type = ?, status = ?, outcome = ?,
       failure_reason = ?, occurred_at = ?, last_callback_at = ?, changed_at = ?, outcome_since = ?,
       applied_callback_id = ?, applied_occurred_at = ?, applied_received_at = ?, revision = ?
 WHERE provider = ?
   AND task_id = ?

-- name: insert-callback
INSERT INTO callback (callback_id, provider, task_id, status, outcome, alerts, failure_reason, details, occurred_at,
                      digest, occurrence, payload, client_address, origin, received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: insert-open-task
INSERT INTO open_task (provider, task_id, opened_at, next_lookup_at, overdue_at)
VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING

-- name: update-open-task
-- The provider was heard.
UPDATE open_task
   SET next_lookup_at = ?, lookups = 0
 WHERE provider = ?
   AND task_id = ?

-- name: delete-open-task
DELETE FROM open_task
 WHERE provider = ?
   AND task_id = ?

-- name: insert-result
-- A later callback with the same URL changes nothing.
INSERT INTO result (provider, task_id, url_digest, kind, url, external_id, template_id, flagged, received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING

-- name: insert-alert
-- Raised once a revision of the task, or once for the dedup key.
INSERT INTO alert (alert_id, kind, provider, task_id, revision, dedup_key, callback_id, other_kinds, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING

-- name: insert-other-kind-of-alert
-- One of the kinds that the alert of a callback names beside its own, as an alert of its own: only if that alert was
-- raised before in this revision, and did not name this kind then.
INSERT INTO alert (alert_id, kind, provider, task_id, revision, callback_id, created_at)
SELECT CAST(? AS UUID), CAST(? AS VARCHAR), CAST(? AS VARCHAR), CAST(? AS VARCHAR), CAST(? AS INTEGER),
       CAST(? AS UUID), CAST(? AS TIMESTAMP WITH TIME ZONE)
 WHERE NOT EXISTS (SELECT 1 FROM alert WHERE alert_id = ?)
   AND NOT EXISTS (SELECT 1 FROM alert
                    WHERE provider = ? AND task_id = ? AND revision = ? AND ',' || other_kinds || ',' LIKE ?)
    ON CONFLICT DO NOTHING

-- name: delete-callbacks-of-probe
DELETE FROM callback
 WHERE provider = ?
   AND task_id = ?

-- name: delete-task-of-probe
DELETE FROM task
 WHERE provider = ?
   AND task_id = ?
