-- Changes nothing if another process has leased the mail since it was found.
UPDATE mail
   SET lease_id = ?, leased_until = ?, attempts = attempts + 1
 WHERE mail_id = ?
   AND next_attempt_at <= ?
   AND (leased_until IS NULL OR leased_until < ?)
