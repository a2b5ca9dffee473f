-- A task with its callbacks and results. Not if it still has an alert: one that was raised after the tasks were selected.
DELETE FROM task
 WHERE provider = ?
   AND task_id = ?
   AND NOT EXISTS (SELECT 1
                     FROM alert
                    WHERE alert.provider = task.provider
                      AND alert.task_id = task.task_id)
