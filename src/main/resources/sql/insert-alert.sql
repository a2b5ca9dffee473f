-- Once a revision of the task, or once a dedup key.
INSERT INTO alert (alert_id, kind, provider, task_id, revision, dedup_key, callback_id, other_kinds, created_at,
                   next_attempt_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, CURRENT_TIMESTAMP)
    ON CONFLICT DO NOTHING
