-- An alert that is about no task.
INSERT INTO alert (alert_id, kind, provider, dedup_key, detail, created_at)
VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
