-- Mails whose alerts have all been deleted.
DELETE FROM mail
 WHERE sent_at < ?
   AND NOT EXISTS (SELECT 1
                     FROM alert
                    WHERE alert.mail_id = mail.mail_id)
