-- A task as it stands, and whether this body is kept already.
SELECT task.provider, task.task_id, task.task_type, task.business_id, task.source_task_id, task.regen_type,
       task.status, task.outcome, task.failure_reason, task.occurred_at, task.order_time, task.first_received_at, task.heard_at,
       task.changed_at, task.outcome_since, task.callback_id, task.turn, callback.digest
  FROM task
  LEFT JOIN callback
    ON callback.provider = task.provider
   AND callback.task_id = task.task_id
   AND callback.digest = ?
 WHERE task.provider = ?
   AND task.task_id = ?
