-- The most frequent reasons of the failures in a mail, or the statuses of what did not fail.
SELECT CASE WHEN alert.kind = 'failed' THEN callback.failure_reason ELSE callback.status END AS reason,
       COUNT(*) AS alerts
  FROM alert
  JOIN callback
    ON callback.callback_id = alert.callback_id
 WHERE alert.mail_id = ?
 GROUP BY CASE WHEN alert.kind = 'failed' THEN callback.failure_reason ELSE callback.status END
 ORDER BY alerts DESC, reason
 FETCH FIRST 10 ROWS ONLY
