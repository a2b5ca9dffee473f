-- A task after the callbacks that were applied to it.
UPDATE task
   SET task_type = ?, business_id = ?, source_task_id = ?, regen_type = ?, status = ?, outcome = ?,
       failure_reason = ?, occurred_at = ?, compared_at = ?, last_callback_at = ?, changed_at = ?, outcome_since = ?,
       applied_callback_id = ?, revision = ?
 WHERE provider = ?
   AND task_id = ?
