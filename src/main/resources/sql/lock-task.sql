-- Locks a task of the group and records that a callback of it arrived. Executed in the order of the keys.
UPDATE task
   SET last_callback_at = GREATEST(last_callback_at, ?)
 WHERE provider = ?
   AND task_id = ?
