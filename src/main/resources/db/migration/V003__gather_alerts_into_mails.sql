-- One row a mail: which alerts of one provider and kind go out together, when, and how far that has come. The latest mail
-- of a provider and kind tells when the next may go out.
CREATE TABLE mail (
    -- The Message-ID. Each try has the same.
    mail_id          VARCHAR(200) NOT NULL,
    provider         VARCHAR(50)  NOT NULL,
    kind             VARCHAR(20)  NOT NULL,
    nth              INTEGER      NOT NULL,
    -- The first mail of the thread, and the mail before this one.
    thread_id        VARCHAR(200) NOT NULL,
    previous_id      VARCHAR(200),
    created_at       TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- An alert that comes after this while none waits is told at once again.
    quiet_at         TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- Until then a storm's alerts are gathered.
    distance_seconds INTEGER      NOT NULL,
    next_mail_at     TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- When its alerts were given its id; no alert joins it later.
    gathered_at      TIMESTAMP(6) WITH TIME ZONE,
    attempts         INTEGER      NOT NULL DEFAULT 0,
    next_attempt_at  TIMESTAMP(6) WITH TIME ZONE,
    claim            UUID,
    claimed_until    TIMESTAMP(6) WITH TIME ZONE,
    -- Addresses, comma-separated: for whom a mail server took it, and for whom it was refused for good.
    taken_for        VARCHAR(10000) NOT NULL DEFAULT '',
    refused_for      VARCHAR(10000) NOT NULL DEFAULT '',
    sent_at          TIMESTAMP(6) WITH TIME ZONE,
    set_aside_at     TIMESTAMP(6) WITH TIME ZONE,
    last_error       VARCHAR(1000),
    CONSTRAINT mail_key PRIMARY KEY (mail_id),
    -- Of several processes that want to begin the same mail, one can.
    CONSTRAINT mail_is_begun_once UNIQUE (provider, kind, nth),
    CONSTRAINT mail_is_tried_sent_or_set_aside
        CHECK (next_attempt_at IS NOT NULL OR sent_at IS NOT NULL OR set_aside_at IS NOT NULL)
);
-- Serves the search for the mail that is due.
CREATE INDEX mail_by_next_attempt ON mail (next_attempt_at);

-- Claims are now a mail's.
DROP INDEX alert_by_claim;
ALTER TABLE alert DROP COLUMN claim;
ALTER TABLE alert DROP COLUMN claimed_until;
ALTER TABLE alert DROP COLUMN attempts;
UPDATE alert SET mail_id = NULL WHERE next_attempt_at IS NOT NULL;
-- Serves the search for alerts that are due and in no mail yet, and the reading of one mail's alerts.
CREATE INDEX alert_by_mail ON alert (mail_id, next_attempt_at);
