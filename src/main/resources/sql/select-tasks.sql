-- GET /tasks: the tasks that changed last, newest first. An empty filter matches every task.
SELECT provider AS "provider",
       task_id AS "taskId",
       task_type AS "taskType",
       business_id AS "businessId",
       status AS "status",
       outcome AS "outcome",
       failure_reason AS "failureReason",
       occurred_at AS "occurredAt",
       changed_at AS "changedAt"
FROM task
WHERE outcome = COALESCE(NULLIF(CAST(:?outcome AS VARCHAR), ''), outcome)
  AND provider = COALESCE(NULLIF(CAST(:?provider AS VARCHAR), ''), provider)
ORDER BY changed_at DESC
FETCH FIRST CAST(COALESCE(NULLIF(CAST(:?limit AS VARCHAR), ''), '100') AS INTEGER) ROWS ONLY
