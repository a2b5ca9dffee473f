-- Keeps the newest 1,000 callbacks, and of these what fits into 50,000,000 characters; the newest one in any case.
DELETE FROM quarantine
WHERE quarantine_id IN (
    SELECT quarantine_id
    FROM (
        SELECT quarantine_id,
               ROW_NUMBER() OVER (ORDER BY received_at DESC, quarantine_id) AS place,
               SUM(length) OVER (ORDER BY received_at DESC, quarantine_id) AS total
        FROM quarantine
    ) AS newest_first
    WHERE place > 1000 OR (total > 50000000 AND place > 1)
)
