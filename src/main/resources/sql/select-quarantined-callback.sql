-- What replaying a callback needs.
SELECT provider, client_address, business_id, payload, received_at
FROM quarantine
WHERE quarantine_id = :?id
