-- The tables of Callboard. The same text runs on PostgreSQL and on H2 in PostgreSQL mode.

-- One row a task of a provider: where it stands now. Moved only by callbacks that are not out of date.
CREATE TABLE task (
    provider          VARCHAR(50)  NOT NULL,
    task_id           VARCHAR(200) NOT NULL,
    task_type         VARCHAR(200),
    business_id       VARCHAR(200),
    source_task_id    VARCHAR(200),
    regen_type        VARCHAR(200),
    status            VARCHAR(200) NOT NULL,
    outcome           VARCHAR(20)  NOT NULL,
    failure_reason    VARCHAR(4000),
    occurred_at       TIMESTAMP(6) WITH TIME ZONE,
    -- What the next callback's time is compared with.
    order_time        TIMESTAMP(6) WITH TIME ZONE,
    first_received_at TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    heard_at          TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    changed_at        TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    outcome_since     TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    callback_id       UUID         NOT NULL,
    turn              INTEGER      NOT NULL,
    CONSTRAINT task_key PRIMARY KEY (provider, task_id),
    CONSTRAINT task_outcome_is_known_word CHECK (outcome IN ('in_progress', 'completed', 'failed', 'unknown')),
    CONSTRAINT task_was_moved_at_least_once CHECK (turn > 0)
);
-- Serves the list of tasks, newest first, with and without an outcome.
CREATE INDEX task_by_change ON task (changed_at);
CREATE INDEX task_by_outcome_and_change ON task (outcome, changed_at);

-- One row a callback as it was received, append only; repeats of the same body are not kept again.
CREATE TABLE callback (
    callback_id    UUID         NOT NULL,
    provider       VARCHAR(50)  NOT NULL,
    task_id        VARCHAR(200) NOT NULL,
    status         VARCHAR(200) NOT NULL,
    outcome        VARCHAR(20)  NOT NULL,
    alerts         VARCHAR(200),
    failure_reason VARCHAR(4000),
    -- What a mail shows of it beside the reason: a JSON object of labels and texts.
    details        TEXT,
    occurred_at    TIMESTAMP(6) WITH TIME ZONE,
    digest         BYTEA        NOT NULL,
    payload        TEXT         NOT NULL,
    source_address VARCHAR(50),
    origin         VARCHAR(20)  NOT NULL,
    received_at    TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    CONSTRAINT callback_key PRIMARY KEY (callback_id),
    CONSTRAINT callback_is_kept_once UNIQUE (provider, task_id, digest),
    CONSTRAINT callback_has_a_task FOREIGN KEY (provider, task_id) REFERENCES task (provider, task_id),
    CONSTRAINT callback_outcome_is_known_word CHECK (outcome IN ('in_progress', 'completed', 'failed', 'unknown'))
);

-- One row a file that a task produced. The URL's digest is the key, since a long URL fits no index of PostgreSQL.
CREATE TABLE result (
    provider    VARCHAR(50)  NOT NULL,
    task_id     VARCHAR(200) NOT NULL,
    url_digest  BYTEA        NOT NULL,
    kind        VARCHAR(20)  NOT NULL,
    url         TEXT         NOT NULL,
    external_id VARCHAR(200),
    template_id VARCHAR(200),
    flagged     BOOLEAN      NOT NULL,
    received_at TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    CONSTRAINT result_key PRIMARY KEY (provider, task_id, url_digest),
    CONSTRAINT result_has_a_task FOREIGN KEY (provider, task_id) REFERENCES task (provider, task_id),
    CONSTRAINT result_is_image_or_video CHECK (kind IN ('image', 'video'))
);

-- One row a thing to tell somebody. It is due until a mail server has taken it or a person has to look at it.
CREATE TABLE alert (
    alert_id        UUID        NOT NULL,
    kind            VARCHAR(20) NOT NULL,
    provider        VARCHAR(50) NOT NULL,
    task_id         VARCHAR(200),
    turn            INTEGER,
    told_once       VARCHAR(400),
    callback_id     UUID,
    also            VARCHAR(200),
    detail          VARCHAR(4000),
    created_at      TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    attempts        INTEGER     NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMP(6) WITH TIME ZONE,
    claim           UUID,
    claimed_until   TIMESTAMP(6) WITH TIME ZONE,
    mail_id         VARCHAR(200),
    sent_at         TIMESTAMP(6) WITH TIME ZONE,
    set_aside_at    TIMESTAMP(6) WITH TIME ZONE,
    last_error      VARCHAR(1000),
    CONSTRAINT alert_key PRIMARY KEY (alert_id),
    CONSTRAINT alert_is_told_once_a_turn UNIQUE (provider, task_id, kind, turn),
    -- For what is told once a day or an hour, whatever the task: names the thing and the time.
    CONSTRAINT alert_is_told_once UNIQUE (told_once),
    CONSTRAINT alert_has_its_callback FOREIGN KEY (callback_id) REFERENCES callback (callback_id),
    CONSTRAINT open_alert_has_a_next_attempt
        CHECK ((sent_at IS NULL AND set_aside_at IS NULL) = (next_attempt_at IS NOT NULL))
);
-- Serves the search for what is due; what was sent has no next attempt and is not in the way.
CREATE INDEX alert_by_next_attempt ON alert (next_attempt_at);
-- Serves the reading of one round's alerts.
CREATE INDEX alert_by_claim ON alert (claim);
