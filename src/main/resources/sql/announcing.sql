-- The statements of announcing tasks, in the order of its transaction. The others are in recording.sql.

-- name: fill-in-task
-- A task after its announcements, which never change its state.
UPDATE task
   SET task_type = ?, family = ?, business_id = ?, source_task_id = ?, expects = ?, overdue_after = ?
 WHERE provider = ?
   AND task_id = ?

-- name: select-openings
SELECT provider, task_id, opened_at
  FROM open_task
 WHERE task_id = ANY(?)

-- name: move-overdue
-- Unless the alert is raised already.
UPDATE open_task
   SET overdue_at = ?
 WHERE provider = ?
   AND task_id = ?
   AND overdue_at IS NOT NULL
