-- Quarantined callbacks that have not been replayed.
DELETE FROM quarantine
 WHERE received_at < ?
