-- The newest alerts of a mail, each with its callback and with where its task stands now.
SELECT alert.task_id, alert.other_kinds, alert.detail, alert.created_at, callback.status, callback.failure_reason,
       callback.details, callback.occurred_at, task.task_type, task.business_id, task.outcome
  FROM alert
  LEFT JOIN callback
    ON callback.callback_id = alert.callback_id
  LEFT JOIN task
    ON task.provider = alert.provider
   AND task.task_id = alert.task_id
 WHERE alert.mail_id = ?
 ORDER BY alert.created_at DESC, alert.alert_id DESC
 FETCH FIRST 50 ROWS ONLY
