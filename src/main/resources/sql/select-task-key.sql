-- Whether a task exists; looks, but does not lock.
SELECT provider, task_id
  FROM task
 WHERE provider = ?
   AND task_id = ?
