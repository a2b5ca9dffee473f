-- Keeps a callback that is invalid or was not recorded.
INSERT INTO quarantine (quarantine_id, provider, client_address, business_id, reason, payload, length, received_at)
VALUES (:?id, :?provider, :?clientAddress, :?businessId, :?reason, :?payload, :?length, CURRENT_TIMESTAMP)
