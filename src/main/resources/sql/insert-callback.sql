INSERT INTO callback (callback_id, provider, task_id, status, outcome, alerts, failure_reason, details, occurred_at,
                      digest, payload, source_address, origin, received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
