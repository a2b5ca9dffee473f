-- The kind that the first alert of a callback would have named beside its own, if the first was not told this time.
INSERT INTO alert (alert_id, kind, provider, task_id, turn, callback_id, created_at, next_attempt_at)
SELECT CAST(? AS UUID), CAST(? AS VARCHAR), CAST(? AS VARCHAR), CAST(? AS VARCHAR), CAST(? AS INTEGER),
       CAST(? AS UUID), CAST(? AS TIMESTAMP WITH TIME ZONE), CURRENT_TIMESTAMP
 WHERE NOT EXISTS (SELECT 1 FROM alert WHERE alert_id = ?)
    ON CONFLICT DO NOTHING
