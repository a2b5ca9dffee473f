-- Locks tasks that have had no callback for so long, oldest first. One with an alert that is not sent stays, and so does one
-- that another transaction holds, since a callback of it may just have arrived.
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
                      AND mail.sent_at IS NULL)
 ORDER BY changed_at
 FETCH FIRST 1000 ROWS ONLY
   FOR UPDATE SKIP LOCKED
