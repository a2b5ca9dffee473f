-- Locks the tasks of a group that exist, in the order of their keys.
UPDATE task
   SET heard_at = GREATEST(heard_at, ?)
 WHERE provider = ?
   AND task_id = ?
