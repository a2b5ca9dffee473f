-- The statements of the retention, in the order of its transactions.

-- name: lock-expired-tasks
-- Locks tasks that have had no callback for so long, oldest first. One with an alert that is neither sent nor suppressed
-- stays, and so does one that another transaction holds, since a callback of it may just have arrived.
SELECT provider, task_id
  FROM task
 WHERE changed_at < ?
   AND last_callback_at < ?
   AND NOT EXISTS (SELECT 1
                     FROM alert
                     LEFT JOIN mail
                       ON mail.mail_id = alert.mail_id
                    WHERE alert.provider = task.provider
                      AND alert.task_id = task.task_id
                      AND mail.sent_at IS NULL
                      AND (COALESCE(mail.state, 'pending') <> 'suppressed'
                       OR EXISTS (SELECT 1
                                    FROM mail copy
                                   WHERE copy.copy_of = mail.mail_id
                                     AND copy.state <> 'suppressed')))
   AND NOT EXISTS (SELECT 1
                     FROM open_task
                    WHERE open_task.provider = task.provider
                      AND open_task.task_id = task.task_id
                      AND open_task.overdue_at IS NOT NULL)
 ORDER BY changed_at
 FETCH FIRST 1000 ROWS ONLY
   FOR UPDATE SKIP LOCKED

-- name: delete-alerts-of-task
-- The sent and suppressed alerts of a task that is to be deleted. No foreign key does it; and if they stayed, a later task with the same id
-- would raise no alert.
DELETE FROM alert
 WHERE provider = ?
   AND task_id = ?
   AND mail_id IN (SELECT mail_id
                     FROM mail
                    WHERE sent_at IS NOT NULL
                       OR (state = 'suppressed'
                      AND NOT EXISTS (SELECT 1
                                        FROM mail copy
                                       WHERE copy.copy_of = mail.mail_id
                                         AND copy.state <> 'suppressed')))

-- name: delete-task-without-alerts
-- Not a task that still has an alert: one that was raised after the tasks were selected.
DELETE FROM task
 WHERE provider = ?
   AND task_id = ?
   AND NOT EXISTS (SELECT 1
                     FROM alert
                    WHERE alert.provider = task.provider
                      AND alert.task_id = task.task_id)

-- name: delete-callbacks-of-task
-- Of a task that was deleted. Until the transaction ends, no other can record a callback of it.
DELETE FROM callback
 WHERE provider = ?
   AND task_id = ?

-- name: delete-open-task
DELETE FROM open_task
 WHERE provider = ?
   AND task_id = ?

-- name: delete-events-of-task
-- An event that is still to be delivered has all that the receiver needs.
DELETE FROM event
 WHERE provider = ?
   AND task_id = ?
   AND state <> 'pending'

-- name: delete-results-of-task
DELETE FROM result
 WHERE provider = ?
   AND task_id = ?

-- name: delete-expired-alerts
-- Alerts about no task, such as those about rejected callers, that were sent or suppressed.
DELETE FROM alert
 WHERE task_id IS NULL
   AND created_at < ?
   AND mail_id IN (SELECT mail_id
                     FROM mail
                    WHERE sent_at IS NOT NULL
                       OR (state = 'suppressed'
                      AND NOT EXISTS (SELECT 1
                                        FROM mail copy
                                       WHERE copy.copy_of = mail.mail_id
                                         AND copy.state <> 'suppressed')))

-- name: delete-expired-mails
-- Mails that are over and whose alerts have all been deleted, with their copies, once these are over too.
DELETE FROM mail
 WHERE next_attempt_at IS NULL
   AND copy_of IS NULL
   AND COALESCE(failed_at, sent_at) < ?
   AND NOT EXISTS (SELECT 1
                     FROM mail copy
                    WHERE copy.copy_of = mail.mail_id
                      AND copy.next_attempt_at IS NOT NULL)
   AND NOT EXISTS (SELECT 1
                     FROM alert
                    WHERE alert.mail_id = mail.mail_id)

-- name: delete-expired-quarantine
-- Quarantined callbacks that have not been replayed.
DELETE FROM quarantine
 WHERE received_at < ?
