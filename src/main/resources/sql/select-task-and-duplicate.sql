-- A task, and the digest if a callback with the same body is stored already.
SELECT task.provider, task.task_id, task.task_type, task.business_id, task.source_task_id, task.regen_type,
       task.status, task.outcome, task.failure_reason, task.occurred_at, task.compared_at, task.first_received_at,
       task.last_callback_at, task.changed_at, task.outcome_since, task.applied_callback_id, task.revision,
       callback.digest
  FROM task
  LEFT JOIN callback
    ON callback.provider = task.provider
   AND callback.task_id = task.task_id
   AND callback.digest = ?
 WHERE task.provider = ?
   AND task.task_id = ?
