-- The sent alerts of a task that is to be deleted. No foreign key does it; and if they stayed, a later task with the same id
-- would raise no alert.
DELETE FROM alert
 WHERE provider = ?
   AND task_id = ?
   AND mail_id IN (SELECT mail_id
                     FROM mail
                    WHERE sent_at IS NOT NULL)
