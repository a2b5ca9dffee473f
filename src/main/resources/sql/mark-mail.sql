-- Ends an attempt. Changes nothing if the lease has expired and another process has taken the mail.
UPDATE mail
   SET state = ?, sent_at = COALESCE(sent_at, ?), failed_at = ?, next_attempt_at = ?, last_error = ?,
       lease_id = NULL, leased_until = NULL
 WHERE mail_id = ?
   AND lease_id = ?
