-- GET /quarantine: the newest callbacks with the beginning of each.
SELECT CAST(quarantine_id AS VARCHAR) AS "quarantineId",
       provider AS "provider",
       client_address AS "sourceAddress",
       reason AS "reason",
       received_at AS "receivedAt",
       length AS "length",
       SUBSTRING(payload FROM 1 FOR 1000) AS "payload"
FROM quarantine
ORDER BY received_at DESC
FETCH FIRST 100 ROWS ONLY
