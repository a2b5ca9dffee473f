UPDATE task
   SET task_type = ?, business_id = ?, source_task_id = ?, regen_type = ?, status = ?, outcome = ?,
       failure_reason = ?, occurred_at = ?, order_time = ?, heard_at = ?, changed_at = ?, outcome_since = ?, callback_id = ?, turn = ?
 WHERE provider = ?
   AND task_id = ?
