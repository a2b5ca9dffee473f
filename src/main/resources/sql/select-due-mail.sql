-- The mail that has been due longest and that no process has leased.
SELECT mail_id, provider, kind, thread_id, previous_id, attempts
  FROM mail
 WHERE next_attempt_at <= ?
   AND (leased_until IS NULL OR leased_until < ?)
 ORDER BY next_attempt_at
 FETCH FIRST 1 ROW ONLY
