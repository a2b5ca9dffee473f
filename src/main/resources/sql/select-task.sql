-- GET /tasks/{provider}/{taskId}: the task itself. The JSON names are older than the columns'.
SELECT provider AS "provider",
       task_id AS "taskId",
       task_type AS "taskType",
       business_id AS "businessId",
       source_task_id AS "sourceTaskId",
       regen_type AS "regenType",
       status AS "status",
       outcome AS "outcome",
       failure_reason AS "failureReason",
       occurred_at AS "occurredAt",
       first_received_at AS "firstReceivedAt",
       last_callback_at AS "heardAt",
       changed_at AS "changedAt",
       outcome_since AS "outcomeSince",
       revision AS "turn"
FROM task
WHERE provider = :?provider AND task_id = :?taskId
