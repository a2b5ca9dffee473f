-- Raised once a revision of the task, or once for the dedup key.
INSERT INTO alert (alert_id, kind, provider, task_id, revision, dedup_key, callback_id, other_kinds, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
