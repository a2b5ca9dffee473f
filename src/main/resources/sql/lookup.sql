-- The statements of the look-ups. Java adds the conditions, the order and the limit of a page. A column whose name begins
-- with a dot is where a page ends, and no field of the answer. The JSON names are older than the columns'.

-- name: select-tasks
-- GET /tasks
SELECT provider AS "provider", task_id AS "taskId", task_type AS "taskType", family AS "family",
       business_id AS "businessId", status AS "status", outcome AS "outcome", failure_reason AS "failureReason",
       occurred_at AS "occurredAt", changed_at AS "changedAt", changed_at AS ".changed_at", applied_callback_id AS ".applied_callback_id",
       task_id AS ".task_id", provider AS ".provider"
  FROM task

-- name: select-task
-- GET /tasks/{provider}/{taskId}: the task itself.
SELECT provider AS "provider", task_id AS "taskId", task_type AS "taskType", family AS "family",
       business_id AS "businessId", source_task_id AS "sourceTaskId", regen_type AS "regenType", status AS "status",
       outcome AS "outcome", failure_reason AS "failureReason", expects AS "expects", overdue_after AS "overdueAfterSeconds",
       occurred_at AS "occurredAt", first_received_at AS "firstReceivedAt",
       last_callback_at AS "heardAt", changed_at AS "changedAt", outcome_since AS "outcomeSince", revision AS "turn",
       provider AS ".provider", task_id AS ".task_id"
  FROM task

-- name: select-results
-- The files of a task.
SELECT kind AS "kind", url AS "url", external_id AS "externalId", template_id AS "templateId", flagged AS "flagged",
       received_at AS "receivedAt", received_at AS ".received_at", url_digest AS ".url_digest"
  FROM result

-- name: select-callbacks
-- The places of a task's callbacks, from an index alone. The rows, which hold the payloads, are read one by one.
SELECT received_at AS ".received_at", callback_id AS ".callback_id"
  FROM callback

-- name: select-callback
SELECT status AS "status", outcome AS "outcome", alerts AS "alerts", failure_reason AS "failureReason",
       occurred_at AS "occurredAt", received_at AS "receivedAt", client_address AS "sourceAddress", origin AS "origin",
       payload AS "payload"
  FROM callback
 WHERE task_id = ?
   AND provider = ?
   AND received_at = ?
   AND callback_id = ?

-- name: select-callback-and-beginning
-- PostgreSQL reads only this part of a long payload.
SELECT status AS "status", outcome AS "outcome", alerts AS "alerts", failure_reason AS "failureReason",
       occurred_at AS "occurredAt", received_at AS "receivedAt", client_address AS "sourceAddress", origin AS "origin",
       SUBSTRING(payload FROM 1 FOR 4001) AS "payload"
  FROM callback
 WHERE task_id = ?
   AND provider = ?
   AND received_at = ?
   AND callback_id = ?

-- name: select-mails
-- GET /mails
SELECT mail_id AS "mailId", channel AS "channel", copy_of AS "copyOf", provider AS "provider", kind AS "kind",
       state AS "state",
       (SELECT COUNT(*)
          FROM alert
         WHERE alert.mail_id = COALESCE(mail.copy_of, mail.mail_id)) AS "alerts",
       created_at AS "createdAt", attempts AS "attempts", next_attempt_at AS "nextAttemptAt",
       (SELECT COALESCE(STRING_AGG(address, ',' ORDER BY address), '')
          FROM mail_recipient recipient
         WHERE recipient.mail_id = mail.mail_id) AS "recipients",
       (SELECT COALESCE(STRING_AGG(address, ',' ORDER BY address), '')
          FROM mail_recipient recipient
         WHERE recipient.mail_id = mail.mail_id
           AND recipient.state = 'accepted') AS "takenFor",
       (SELECT COALESCE(STRING_AGG(address, ',' ORDER BY address), '')
          FROM mail_recipient recipient
         WHERE recipient.mail_id = mail.mail_id
           AND recipient.state = 'rejected') AS "refusedFor",
       sent_at AS "sentAt", CASE WHEN state = 'bounced' THEN failed_at END AS "setAsideAt", last_error AS "lastError",
       created_at AS ".created_at", mail_id AS ".mail_id"
  FROM mail

-- name: select-events
-- GET /events
SELECT CAST(event_id AS VARCHAR) AS "eventId", type AS "type", provider AS "provider", task_id AS "taskId",
       state AS "state", created_at AS "createdAt", attempts AS "attempts", next_attempt_at AS "nextAttemptAt",
       last_error AS "lastError", CASE WHEN state = 'delivered' THEN ended_at END AS "deliveredAt", data AS "data",
       position AS ".position"
  FROM event
