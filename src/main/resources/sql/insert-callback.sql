INSERT INTO callback (callback_id, provider, task_id, status, outcome, alerts, failure_reason, details, occurred_at,
                      digest, payload, client_address, origin, received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
