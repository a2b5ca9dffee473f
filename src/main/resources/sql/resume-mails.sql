-- Makes due what waits for a retry, and what a recipient has rejected, since the settings may have been corrected.
UPDATE mail
   SET state = 'pending', attempts = 0, failed_at = NULL, next_attempt_at = ?
 WHERE (attempts > 0 AND next_attempt_at > ?)
    OR EXISTS (SELECT 1
                 FROM mail_recipient
                WHERE mail_recipient.mail_id = mail.mail_id
                  AND mail_recipient.state = 'rejected')
