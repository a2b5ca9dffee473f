-- Changes nothing if another process has created the same mail.
INSERT INTO mail (mail_id, provider, kind, sequence, thread_id, previous_id, state, created_at, quiet_after,
                  interval_seconds, next_digest_at, next_attempt_at)
VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
