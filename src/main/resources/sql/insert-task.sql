-- The columns in the order of update-task, so that one method sets both.
INSERT INTO task (task_type, business_id, source_task_id, regen_type, status, outcome, failure_reason, occurred_at,
                  compared_at, last_callback_at, changed_at, outcome_since, applied_callback_id, revision, provider,
                  task_id, first_received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
