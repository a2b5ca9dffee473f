-- A later callback with the same URL changes nothing.
INSERT INTO result (provider, task_id, url_digest, kind, url, external_id, template_id, flagged, received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
