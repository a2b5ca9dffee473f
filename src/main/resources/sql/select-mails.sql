-- The newest mails, for GET /mails.
SELECT mail_id AS "mailId", provider AS "provider", kind AS "kind", state AS "state",
       (SELECT COUNT(*)
          FROM alert
         WHERE alert.mail_id = mail.mail_id) AS "alerts",
       created_at AS "createdAt", attempts AS "attempts", next_attempt_at AS "nextAttemptAt",
       (SELECT COALESCE(STRING_AGG(address, ',' ORDER BY address), '')
          FROM mail_recipient recipient
         WHERE recipient.mail_id = mail.mail_id) AS "recipients",
       (SELECT COALESCE(STRING_AGG(address, ',' ORDER BY address), '')
          FROM mail_recipient recipient
         WHERE recipient.mail_id = mail.mail_id
           AND recipient.state = 'accepted') AS "takenFor",
       (SELECT COALESCE(STRING_AGG(address, ',' ORDER BY address), '')
          FROM mail_recipient recipient
         WHERE recipient.mail_id = mail.mail_id
           AND recipient.state = 'rejected') AS "refusedFor",
       sent_at AS "sentAt", CASE WHEN state = 'bounced' THEN failed_at END AS "setAsideAt", last_error AS "lastError"
  FROM mail
 ORDER BY created_at DESC
 FETCH FIRST 100 ROWS ONLY
