-- One of the kinds that the alert of a callback names beside its own, as an alert of its own: only if that alert was
-- raised before in this revision, and did not name this kind then.
INSERT INTO alert (alert_id, kind, provider, task_id, revision, callback_id, created_at)
SELECT CAST(? AS UUID), CAST(? AS VARCHAR), CAST(? AS VARCHAR), CAST(? AS VARCHAR), CAST(? AS INTEGER),
       CAST(? AS UUID), CAST(? AS TIMESTAMP WITH TIME ZONE)
 WHERE NOT EXISTS (SELECT 1 FROM alert WHERE alert_id = ?)
   AND NOT EXISTS (SELECT 1 FROM alert
                    WHERE provider = ? AND task_id = ? AND revision = ? AND ',' || other_kinds || ',' LIKE ?)
    ON CONFLICT DO NOTHING
