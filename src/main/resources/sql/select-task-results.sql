-- GET /tasks/{provider}/{taskId}: the files of the task.
SELECT kind AS "kind",
       url AS "url",
       external_id AS "externalId",
       template_id AS "templateId",
       flagged AS "flagged",
       received_at AS "receivedAt"
FROM result
WHERE provider = :?provider AND task_id = :?taskId
ORDER BY received_at, url
