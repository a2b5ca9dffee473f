-- The statements of the quarantine.

-- name: insert-callback
-- Keeps a callback that is invalid or was not recorded.
INSERT INTO quarantine (quarantine_id, provider, client_address, business_id, family, reason, payload, bytes, length,
                        received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: lock-excess
-- The callbacks of a provider but the newest, and of these but what fits into a number of bytes; never the newest one.
SELECT quarantine_id
  FROM quarantine
 WHERE quarantine_id IN (SELECT quarantine_id
                           FROM (SELECT quarantine_id,
                                        ROW_NUMBER() OVER (ORDER BY received_at DESC, quarantine_id DESC) AS place,
                                        SUM(length) OVER (ORDER BY received_at DESC, quarantine_id DESC) AS total
                                   FROM quarantine
                                  WHERE provider = ?) AS newest_first
                          WHERE place > ? OR (total > ? AND place > 1))
   FOR UPDATE SKIP LOCKED

-- name: delete-callback
DELETE FROM quarantine
 WHERE quarantine_id = ?

-- name: delete-callbacks-of-provider
DELETE FROM quarantine
 WHERE provider = ?

-- name: select-callback
-- What replaying a callback needs.
SELECT provider, client_address, business_id, family, payload, bytes, received_at
  FROM quarantine
 WHERE quarantine_id = ?

-- name: select-body
SELECT payload, bytes
  FROM quarantine
 WHERE quarantine_id = ?

-- name: select-callbacks
-- GET /quarantine: the callbacks with the beginning of each. The conditions and the order follow.
SELECT CAST(quarantine_id AS VARCHAR) AS "quarantineId",
       provider AS "provider",
       client_address AS "sourceAddress",
       business_id AS "businessId",
       family AS "family",
       reason AS "reason",
       received_at AS "receivedAt",
       length AS "length",
       bytes IS NULL AS "exact",
       SUBSTRING(payload FROM 1 FOR 1000) AS "payload",
       received_at AS ".received_at",
       quarantine_id AS ".quarantine_id"
  FROM quarantine
