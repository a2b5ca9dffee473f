-- How many alerts and tasks a mail is about, how many of these have completed since, and when.
SELECT COUNT(*) AS alerts, COUNT(DISTINCT alert.task_id) AS tasks,
       COUNT(DISTINCT CASE WHEN task.outcome = 'completed' THEN alert.task_id END) AS completed,
       MIN(alert.created_at) AS since, MAX(alert.created_at) AS until
  FROM alert
  LEFT JOIN task
    ON task.provider = alert.provider
   AND task.task_id = alert.task_id
 WHERE alert.mail_id = ?
