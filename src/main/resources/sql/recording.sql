-- The statements of recording a group of callbacks, in the order of its transaction.

-- name: select-task-key
-- Whether a task exists; does not lock it.
SELECT provider, task_id
  FROM task
 WHERE provider = ?
   AND task_id = ?

-- name: insert-task
-- The columns in the order of update-task, so that one method sets both.
INSERT INTO task (task_type, business_id, source_task_id, regen_type, status, outcome, failure_reason, occurred_at,
                  last_callback_at, changed_at, outcome_since, applied_callback_id, revision, provider, task_id,
                  first_received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: lock-task
-- Locks a task of the group and records that a callback of it arrived. Executed in the order of the keys.
UPDATE task
   SET last_callback_at = GREATEST(last_callback_at, ?)
 WHERE provider = ?
   AND task_id = ?

-- name: select-task-and-occurrences
-- A task, the times of the callback that was applied last, and how often a body is stored for the task.
SELECT task.provider, task.task_id, task.task_type, task.business_id, task.source_task_id, task.regen_type,
       task.status, task.outcome, task.failure_reason, task.occurred_at, task.first_received_at, task.last_callback_at,
       task.changed_at, task.outcome_since, task.applied_callback_id, task.revision,
       applied.occurred_at AS applied_occurred_at, applied.received_at AS applied_received_at,
       CAST(? AS BYTEA) AS digest,
       (SELECT COUNT(*)
          FROM callback
         WHERE callback.provider = task.provider
           AND callback.task_id = task.task_id
           AND callback.digest = ?) AS occurrences
  FROM task
  LEFT JOIN callback AS applied
    ON applied.callback_id = task.applied_callback_id
 WHERE task.provider = ?
   AND task.task_id = ?

-- name: update-task
-- A task after the callbacks that were applied to it.
UPDATE task
   SET task_type = ?, business_id = ?, source_task_id = ?, regen_type = ?, status = ?, outcome = ?,
       failure_reason = ?, occurred_at = ?, last_callback_at = ?, changed_at = ?, outcome_since = ?,
       applied_callback_id = ?, revision = ?
 WHERE provider = ?
   AND task_id = ?

-- name: insert-callback
INSERT INTO callback (callback_id, provider, task_id, status, outcome, alerts, failure_reason, details, occurred_at,
                      digest, occurrence, payload, client_address, origin, received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

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
