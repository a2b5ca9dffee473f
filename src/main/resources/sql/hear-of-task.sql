-- Locks the tasks of a group, in the order of their keys; the count tells which exist.
UPDATE task
   SET heard_at = GREATEST(heard_at, ?)
 WHERE provider = ?
   AND task_id = ?
