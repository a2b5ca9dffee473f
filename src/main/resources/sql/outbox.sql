-- The statements of the outbox: raising alerts, creating mails of them, leasing a mail, reading it, marking it.

-- name: raise-alert
-- An alert that is about no task.
INSERT INTO alert (alert_id, kind, provider, dedup_key, detail, created_at)
VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING

-- name: select-alert-groups
-- The alerts that are in no mail, by provider and kind, and the latest mail about the same.
SELECT waiting.provider, waiting.kind, waiting.oldest, mail.mail_id, mail.sequence, mail.thread_id, mail.quiet_after,
       mail.next_digest_at, mail.interval_seconds, mail.sent_at
  FROM (SELECT provider, kind, MIN(created_at) AS oldest
          FROM alert
         WHERE mail_id IS NULL
         GROUP BY provider, kind) waiting
  LEFT JOIN mail
    ON mail.provider = waiting.provider
   AND mail.kind = waiting.kind
   AND mail.sequence = (SELECT MAX(latest.sequence)
                          FROM mail latest
                         WHERE latest.provider = waiting.provider
                           AND latest.kind = waiting.kind)

-- name: insert-mail
-- Changes nothing if another process has created the same mail.
INSERT INTO mail (mail_id, provider, kind, sequence, thread_id, previous_id, state, created_at, quiet_after,
                  interval_seconds, next_digest_at, next_attempt_at, channel)
VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING

-- name: insert-copy
-- A copy of a mail for another channel. Changes nothing if the mail is of this channel, or has such a copy.
INSERT INTO mail (mail_id, provider, kind, thread_id, previous_id, state, created_at, quiet_after, interval_seconds,
                  next_digest_at, next_attempt_at, channel, copy_of)
SELECT CAST(? AS VARCHAR(200)), provider, kind, thread_id, previous_id, 'pending', created_at, quiet_after, interval_seconds,
       next_digest_at, CAST(? AS TIMESTAMP(6) WITH TIME ZONE), CAST(? AS VARCHAR(20)), mail_id
  FROM mail
 WHERE mail_id = ?
   AND channel <> ?
    ON CONFLICT DO NOTHING

-- name: gather-alerts
-- Puts all alerts of a provider and kind that are in no mail into this one.
UPDATE alert
   SET mail_id = ?
 WHERE mail_id IS NULL
   AND provider = ?
   AND kind = ?

-- name: gather-suppressed-alerts
-- Lets a suppressed mail have further alerts. The new time also keeps the retention from deleting it meanwhile.
UPDATE mail
   SET failed_at = ?
 WHERE mail_id = ?
   AND state = 'suppressed'

-- name: select-due-mails
-- By channel, provider and kind: since when the first mail has been due that no process has leased, and how many are
-- leased.
SELECT channel, provider, kind,
       MIN(CASE WHEN leased_until IS NULL OR leased_until < ? THEN next_attempt_at END) AS due_since,
       COUNT(CASE WHEN leased_until >= ? THEN 1 END) AS leased
  FROM mail
 WHERE next_attempt_at <= ?
 GROUP BY channel, provider, kind

-- name: select-due-mail
-- The mail of a channel, provider and kind that has been due longest and that no process has leased.
SELECT mail_id, COALESCE(copy_of, mail_id) AS original_id, channel, provider, kind, thread_id, previous_id, attempts
  FROM mail
 WHERE next_attempt_at <= ?
   AND (leased_until IS NULL OR leased_until < ?)
   AND channel = ?
   AND provider = ?
   AND kind = ?
 ORDER BY next_attempt_at
 FETCH FIRST 1 ROW ONLY

-- name: lease-mail
-- Changes nothing if another process has leased the mail since it was found.
UPDATE mail
   SET lease_id = ?, leased_until = ?, attempts = attempts + 1
 WHERE mail_id = ?
   AND next_attempt_at <= ?
   AND (leased_until IS NULL OR leased_until < ?)

-- name: renew-lease
-- Changes nothing if the lease has expired and another process has taken the mail.
UPDATE mail
   SET leased_until = ?
 WHERE mail_id = ?
   AND lease_id = ?

-- name: renew-leases
-- Of the attempts of one process that are under way.
UPDATE mail
   SET leased_until = ?
 WHERE lease_id = ANY(?)

-- name: select-mail-summary
-- How many alerts and tasks a mail is about, how many of these have completed since and are not open, and when.
SELECT COUNT(*) AS alerts, COUNT(DISTINCT alert.task_id) AS tasks,
       COUNT(DISTINCT CASE WHEN task.outcome = 'completed' AND open_task.task_id IS NULL THEN alert.task_id END) AS completed,
       MIN(alert.created_at) AS since, MAX(alert.created_at) AS until
  FROM alert
  LEFT JOIN task
    ON task.provider = alert.provider
   AND task.task_id = alert.task_id
  LEFT JOIN open_task
    ON open_task.provider = alert.provider
   AND open_task.task_id = alert.task_id
 WHERE alert.mail_id = ?

-- name: select-mail-reasons
-- The most frequent reasons of the failures in a mail, what the provider answers about overdue tasks, or the statuses of
-- the others.
SELECT CASE alert.kind WHEN 'failed' THEN callback.failure_reason WHEN 'overdue' THEN alert.detail ELSE callback.status END
           AS reason,
       COUNT(*) AS alerts
  FROM alert
  LEFT JOIN callback
    ON callback.task_id = alert.task_id
   AND callback.provider = alert.provider
   AND callback.callback_id = alert.callback_id
 WHERE alert.mail_id = ?
 GROUP BY CASE alert.kind WHEN 'failed' THEN callback.failure_reason WHEN 'overdue' THEN alert.detail ELSE callback.status END
 ORDER BY alerts DESC, reason
 FETCH FIRST 10 ROWS ONLY

-- name: select-mail-alerts
-- The newest alerts of a mail, each with its callback and with where its task stands now.
SELECT alert.task_id, alert.other_kinds, alert.detail, alert.created_at, COALESCE(callback.status, task.status) AS status,
       callback.failure_reason, callback.details, callback.occurred_at, callback.origin, task.task_type, task.business_id,
       task.outcome, task.changed_at, open_task.opened_at
  FROM alert
  LEFT JOIN callback
    ON callback.task_id = alert.task_id
   AND callback.provider = alert.provider
   AND callback.callback_id = alert.callback_id
  LEFT JOIN task
    ON task.provider = alert.provider
   AND task.task_id = alert.task_id
  LEFT JOIN open_task
    ON open_task.provider = alert.provider
   AND open_task.task_id = alert.task_id
 WHERE alert.mail_id = ?
 ORDER BY alert.created_at DESC, alert.alert_id DESC
 FETCH FIRST 50 ROWS ONLY

-- name: select-mail-files
-- The files of the tasks that a mail shows in full.
SELECT newest.task_id, result.kind, result.url
  FROM (SELECT provider, task_id
          FROM alert
         WHERE mail_id = ?
         ORDER BY created_at DESC, alert_id DESC
         FETCH FIRST 10 ROWS ONLY) newest
  JOIN result
    ON result.provider = newest.provider
   AND result.task_id = newest.task_id
 ORDER BY result.received_at, result.url
 FETCH FIRST 100 ROWS ONLY

-- name: select-recovered-tasks
-- The tasks of the last mail, of the same provider and kind, that have completed since it was created: the first ones, each
-- with the number of all. An overdue task may have been completed before, but without a file that it expects. A mail that
-- nobody has received does not count.
SELECT alert.task_id, COUNT(*) OVER () AS tasks
  FROM mail
  JOIN mail last_mail
    ON last_mail.mail_id = mail.previous_id
  JOIN alert
    ON alert.mail_id = last_mail.mail_id
  JOIN task
    ON task.provider = alert.provider
   AND task.task_id = alert.task_id
 WHERE mail.mail_id = ?
   AND last_mail.sent_at IS NOT NULL
   AND task.outcome = 'completed'
   AND (task.outcome_since > last_mail.created_at
    OR (alert.kind = 'overdue' AND task.changed_at > last_mail.created_at))
   AND NOT EXISTS (SELECT 1
                     FROM open_task
                    WHERE open_task.provider = alert.provider
                      AND open_task.task_id = alert.task_id)
 GROUP BY alert.task_id
 ORDER BY alert.task_id
 FETCH FIRST 10 ROWS ONLY

-- name: count-late-callbacks
-- Of how many tasks of a mail, which look-ups found finished, a callback has said so later.
SELECT COUNT(DISTINCT alert.task_id) AS late
  FROM alert
  JOIN callback answer
    ON answer.task_id = alert.task_id
   AND answer.provider = alert.provider
   AND answer.callback_id = alert.callback_id
 WHERE alert.mail_id = ?
   AND EXISTS (SELECT 1
                 FROM callback
                WHERE callback.task_id = alert.task_id
                  AND callback.provider = alert.provider
                  AND callback.received_at > answer.received_at
                  AND callback.origin = 'callback'
                  AND callback.outcome IN ('completed', 'failed'))

-- name: mark-mail
-- Ends an attempt. Changes nothing if the lease has expired and another process has taken the mail.
UPDATE mail
   SET state = ?, sent_at = COALESCE(sent_at, ?), failed_at = ?, next_attempt_at = ?, awaits_server = ?, last_error = ?,
       lease_id = NULL, leased_until = NULL
 WHERE mail_id = ?
   AND lease_id = ?

-- name: mark-original-sent
-- The first recipient of a copy has its alerts.
UPDATE mail
   SET sent_at = ?
 WHERE mail_id = ?
   AND sent_at IS NULL

-- name: end-outage
-- Makes due what waits although nothing is wrong with it, since a mail of the same channel has just gone through.
UPDATE mail
   SET next_attempt_at = ?
 WHERE next_attempt_at > ?
   AND awaits_server
   AND channel = ?

-- name: resume-mails
-- Makes due what waits for a retry, and what a recipient has rejected, since the settings may have been corrected. Not what
-- another process is sending at this moment.
UPDATE mail
   SET state = 'pending', attempts = 0, failed_at = NULL, next_attempt_at = ?
 WHERE (leased_until IS NULL OR leased_until < ?)
   AND ((attempts > 0 AND next_attempt_at > ?)
    OR EXISTS (SELECT 1
                 FROM mail_recipient
                WHERE mail_recipient.mail_id = mail.mail_id
                  AND mail_recipient.state = 'rejected'))

-- name: resume-recipients
-- The recipients of these mails who rejected them.
UPDATE mail_recipient
   SET state = 'pending'
 WHERE state = 'rejected'
   AND mail_id IN (SELECT mail_id
                     FROM mail
                    WHERE state = 'pending'
                      AND (leased_until IS NULL OR leased_until < ?))

-- name: count-alerts
-- The alerts that a recipient should have received and none has, without those that wait for the mail of the day. The table mail has few rows beside the table alert, so it is read first.
SELECT COUNT(CASE WHEN state = 'pending' THEN 1 END) AS pending,
       COUNT(CASE WHEN state = 'bounced' THEN 1 END) AS undeliverable,
       MIN(CASE WHEN state = 'pending' THEN created_at END) AS oldest_pending
  FROM (SELECT created_at, 'pending' AS state
          FROM alert
         WHERE mail_id IS NULL
           AND kind <> 'missed'
         UNION ALL
        SELECT alert.created_at, waiting.state
          FROM (SELECT COALESCE(copy_of, mail_id) AS mail_id,
                       CASE WHEN COUNT(CASE WHEN state = 'pending' THEN 1 END) > 0 THEN 'pending' ELSE 'bounced' END AS state
                  FROM mail
                 WHERE sent_at IS NULL
                   AND state <> 'suppressed'
                 GROUP BY COALESCE(copy_of, mail_id)) waiting
          JOIN mail original
            ON original.mail_id = waiting.mail_id
           AND original.sent_at IS NULL
          JOIN alert
            ON alert.mail_id = original.mail_id) AS unsent

-- name: select-oldest-failing-mail
-- When the oldest of the mails of a channel was created that have been attempted and are attempted again.
SELECT MIN(created_at) AS created_at
  FROM mail
 WHERE next_attempt_at IS NOT NULL
   AND attempts > 0
   AND last_error IS NOT NULL
   AND channel = ?
