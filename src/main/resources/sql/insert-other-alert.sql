-- The kind that the first alert of a callback would have named beside its own, if the first was told before in this turn
-- and did not name it then.
INSERT INTO alert (alert_id, kind, provider, task_id, turn, callback_id, created_at, next_attempt_at)
SELECT CAST(? AS UUID), CAST(? AS VARCHAR), CAST(? AS VARCHAR), CAST(? AS VARCHAR), CAST(? AS INTEGER),
       CAST(? AS UUID), CAST(? AS TIMESTAMP WITH TIME ZONE), CURRENT_TIMESTAMP
 WHERE NOT EXISTS (SELECT 1 FROM alert WHERE alert_id = ?)
   AND NOT EXISTS (SELECT 1 FROM alert WHERE provider = ? AND task_id = ? AND turn = ? AND ',' || also || ',' LIKE ?)
    ON CONFLICT DO NOTHING
