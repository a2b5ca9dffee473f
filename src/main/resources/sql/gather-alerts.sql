-- Puts all alerts of a provider and kind that are in no mail into this one.
UPDATE alert
   SET mail_id = ?
 WHERE mail_id IS NULL
   AND provider = ?
   AND kind = ?
