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
