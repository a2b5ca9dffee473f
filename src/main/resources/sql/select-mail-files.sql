-- The files of the tasks that a mail shows in full.
SELECT newest.task_id, result.kind, result.url
  FROM (SELECT provider, task_id
          FROM alert
         WHERE mail_id = ?
         ORDER BY created_at DESC, alert_id DESC
         FETCH FIRST 10 ROWS ONLY) newest
  JOIN result
    ON result.provider = newest.provider
   AND result.task_id = newest.task_id
 ORDER BY result.received_at, result.url
 FETCH FIRST 100 ROWS ONLY
