-- Told once a turn of the task, or once in the time that told_once names.
INSERT INTO alert (alert_id, kind, provider, task_id, turn, told_once, callback_id, also, created_at, next_attempt_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, CURRENT_TIMESTAMP)
    ON CONFLICT DO NOTHING
