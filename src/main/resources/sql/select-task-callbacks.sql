-- GET /tasks/{provider}/{taskId}: the callbacks of the task, newest first.
SELECT status AS "status",
       outcome AS "outcome",
       alerts AS "alerts",
       failure_reason AS "failureReason",
       occurred_at AS "occurredAt",
       received_at AS "receivedAt",
       client_address AS "sourceAddress",
       origin AS "origin",
       payload AS "payload"
FROM callback
WHERE provider = :?provider AND task_id = :?taskId
ORDER BY received_at DESC, callback_id DESC
