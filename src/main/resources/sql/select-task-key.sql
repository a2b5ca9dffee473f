-- Whether a task exists; does not lock it.
SELECT provider, task_id
  FROM task
 WHERE provider = ?
   AND task_id = ?
