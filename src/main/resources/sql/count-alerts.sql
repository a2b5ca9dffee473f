-- The alerts that no recipient has received. The table mail has few rows beside the table alert, so it is read first.
SELECT COUNT(CASE WHEN state = 'pending' THEN 1 END) AS pending,
       COUNT(CASE WHEN state = 'bounced' THEN 1 END) AS undeliverable,
       MIN(CASE WHEN state = 'pending' THEN created_at END) AS oldest_pending
  FROM (SELECT created_at, 'pending' AS state
          FROM alert
         WHERE mail_id IS NULL
         UNION ALL
        SELECT alert.created_at, mail.state
          FROM mail
          JOIN alert
            ON alert.mail_id = mail.mail_id
         WHERE mail.sent_at IS NULL) AS unsent
