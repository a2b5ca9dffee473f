-- Quarantined callbacks that nobody has replayed.
DELETE FROM quarantine
 WHERE received_at < ?
