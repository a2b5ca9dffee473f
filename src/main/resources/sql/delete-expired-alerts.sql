-- Alerts about no task, such as those about rejected callers.
DELETE FROM alert
 WHERE task_id IS NULL
   AND mail_id IN (SELECT mail_id
                     FROM mail
                    WHERE sent_at < ?)
