-- The tables of Callboard. The same text runs on PostgreSQL and on H2 in PostgreSQL mode.
-- All times are in UTC. Texts hold no U+0000, which PostgreSQL does not store. Task ids are in the order of their characters'
-- codes (by_code), so that those with the same prefix are neighbours: PostgreSQL's default is the order of some language.
--
-- Keys of rows that belong to a task begin with its id, which tells rows apart at the first comparison.
--
-- callback and result have no foreign key to task. Rows of a task are written and deleted only by transactions that hold
-- the lock of its row in task, and whoever deletes it deletes them with it. Checking two foreign keys for each callback
-- took a fifth of the processor time of recording on H2, and a sixth on PostgreSQL.

-- One row a task of a provider: its current state, as of the callback that was applied last.
CREATE TABLE task (
    provider            VARCHAR(50)  NOT NULL,
    task_id             VARCHAR(200) ${by_code} NOT NULL,
    -- What the provider says about the task; a later callback that omits one of these does not erase it.
    task_type           VARCHAR(200),
    family              VARCHAR(50),
    business_id         VARCHAR(200),
    source_task_id      VARCHAR(200),
    regen_type          VARCHAR(200),
    -- The status as sent, and what it means.
    status              VARCHAR(200) NOT NULL,
    outcome             VARCHAR(20)  NOT NULL,
    failure_reason      VARCHAR(4000),
    -- What an announcement said: the kind of file without which the task is not over, and after how many seconds it is
    -- overdue. Null unless it said so.
    expects             VARCHAR(20),
    overdue_after       INTEGER,
    -- The latest of the provider's own times.
    occurred_at         TIMESTAMP(6) WITH TIME ZONE,
    -- Our times: of the first callback, of the latest (a duplicate too), of the last change, of the outcome. Of an announced
    -- task without a callback, all are the time of the announcement.
    first_received_at   TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    last_callback_at    TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    changed_at          TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    outcome_since       TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- The callback applied last, and its times, which the next one is compared with. Of an announced task without a
    -- callback, the id is that of no callback.
    applied_callback_id UUID         NOT NULL,
    applied_occurred_at TIMESTAMP(6) WITH TIME ZONE,
    applied_received_at TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- Counts the changes of status from 1, so that a task that fails twice raises two alerts.
    revision            INTEGER      NOT NULL,
    -- In this order, it also serves GET /tasks?taskIdPrefix=.
    CONSTRAINT task_key PRIMARY KEY (task_id, provider),
    CONSTRAINT task_outcome_is_known CHECK (outcome IN ('expected', 'in_progress', 'completed', 'failed', 'unknown')),
    CONSTRAINT task_expects_a_kind CHECK (expects IN ('image', 'video', 'audio', 'file')),
    CONSTRAINT task_revision_is_positive CHECK (revision > 0)
);
-- The first serves GET /tasks, newest first, its changedSince and changedUntil, and the retention's search for the oldest.
-- The others serve its filters, also newest first, so that one page of few matches does not read all tasks. A page can end
-- at any row, since applied_callback_id is unique; provider serves the filter of that name. None begins with provider:
-- while PostgreSQL has no statistics of the table, it would read such an index, and so every task of the provider, where
-- one task is looked up by its key.
CREATE INDEX task_by_change ON task (changed_at, applied_callback_id, provider);
CREATE INDEX task_by_outcome ON task (outcome, changed_at, applied_callback_id, provider);
CREATE INDEX task_by_type ON task (task_type, changed_at, applied_callback_id, provider);
CREATE INDEX task_by_business ON task (business_id, changed_at, applied_callback_id);

-- One row a callback as received, append only; duplicates are not stored.
CREATE TABLE callback (
    callback_id    UUID         NOT NULL,
    provider       VARCHAR(50)  NOT NULL,
    task_id        VARCHAR(200) ${by_code} NOT NULL,
    -- What its route set.
    status         VARCHAR(200) NOT NULL,
    outcome        VARCHAR(20)  NOT NULL,
    alerts         VARCHAR(200),
    failure_reason VARCHAR(4000),
    -- What a mail shows beside the reason: a JSON object of labels and texts.
    details        TEXT,
    occurred_at    TIMESTAMP(6) WITH TIME ZONE,
    -- The body without our token, and its SHA-256: a body of any length fits into a unique key only as a digest.
    payload        TEXT         NOT NULL,
    digest         BYTEA        NOT NULL,
    -- Counts the callbacks of the task with this body, from 1. A second one is no duplicate if the provider sends no time
    -- and it changes the outcome back: failed, completed, failed.
    occurrence     INTEGER      NOT NULL DEFAULT 1,
    -- Where it came from, and when it was first received.
    origin         VARCHAR(20)  NOT NULL,
    client_address VARCHAR(50),
    received_at    TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- Holds the rule for duplicates. Serves the search for one, and the deletion of a task's callbacks.
    CONSTRAINT callback_key PRIMARY KEY (task_id, provider, digest, occurrence),
    CONSTRAINT callback_outcome_is_known CHECK (outcome IN ('in_progress', 'completed', 'failed', 'unknown')),
    CONSTRAINT callback_origin_is_known CHECK (origin IN ('callback', 'replay', 'lookup'))
);

-- Serves the callbacks of a task, newest first: a page is found without reading the payloads of the others. Also serves
-- the search for one by its id, together with its task: an index of the ids alone would cost each callback more.
CREATE INDEX callback_by_reception ON callback (task_id, provider, received_at, callback_id);

-- One row a file that a task produced. A long URL fits into no index of PostgreSQL, so its SHA-256 is in the key.
CREATE TABLE result (
    provider    VARCHAR(50)  NOT NULL,
    task_id     VARCHAR(200) ${by_code} NOT NULL,
    url_digest  BYTEA        NOT NULL,
    kind        VARCHAR(20)  NOT NULL,
    url         TEXT         NOT NULL,
    external_id VARCHAR(200),
    template_id VARCHAR(200),
    -- Whether the provider marked its content as unsafe.
    flagged     BOOLEAN      NOT NULL,
    received_at TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    CONSTRAINT result_key PRIMARY KEY (task_id, provider, url_digest),
    CONSTRAINT result_kind_is_known CHECK (kind IN ('image', 'video', 'audio', 'file'))
);

-- One row for each task that is not over: it is expected, in progress or unknown, or completed without the file that its
-- announcement expects. Written by the transactions that change its task, under the lock of its row.
CREATE TABLE open_task (
    provider       VARCHAR(50)  NOT NULL,
    task_id        VARCHAR(200) ${by_code} NOT NULL,
    opened_at      TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- When it is looked up at the provider; null once that is given up.
    next_lookup_at TIMESTAMP(6) WITH TIME ZONE,
    -- How often it has been looked up since the provider was heard last.
    lookups        INTEGER      NOT NULL DEFAULT 0,
    -- When it was looked up last, and what came of it.
    last_lookup_at TIMESTAMP(6) WITH TIME ZONE,
    last_answer    VARCHAR(500),
    -- When the alert that it is overdue is raised; null once it is.
    overdue_at     TIMESTAMP(6) WITH TIME ZONE,
    -- The look-up that is under way. Another process may take the task once the lease has expired.
    lease_id       UUID,
    leased_until   TIMESTAMP(6) WITH TIME ZONE,
    CONSTRAINT open_task_key PRIMARY KEY (task_id, provider)
);
-- Serves the search for the tasks to look up, and for the overdue ones.
CREATE INDEX open_task_by_lookup ON open_task (provider, next_lookup_at);
CREATE INDEX open_task_by_overdue ON open_task (provider, overdue_at);

-- One row a body that could not be read or recorded, until it is replayed or dismissed, or newer ones of its provider take
-- its place.
CREATE TABLE quarantine (
    quarantine_id  UUID          NOT NULL,
    provider       VARCHAR(50)   NOT NULL,
    client_address VARCHAR(50),
    -- The query parameters ref and family, which replaying needs again.
    business_id    VARCHAR(200),
    family         VARCHAR(50),
    reason         VARCHAR(2000) NOT NULL,
    -- The body without our token, as text.
    payload        TEXT          NOT NULL,
    -- Null if payload is exactly what was received. Otherwise, it is not UTF-8 or has U+0000, and these are its bytes.
    bytes          BYTEA,
    -- Of the body, in bytes; stored, since the limit on the sum of all would otherwise read every body.
    length         INTEGER       NOT NULL,
    received_at    TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    CONSTRAINT quarantine_key PRIMARY KEY (quarantine_id)
);
-- Serves GET /quarantine, newest first, replaying, oldest first, and retention.
CREATE INDEX quarantine_by_reception ON quarantine (received_at, quarantine_id);
-- Serves GET /quarantine?provider=, and the search for those beyond the limits of a provider, which are deleted.
CREATE INDEX quarantine_by_provider_and_reception ON quarantine (provider, received_at, quarantine_id);

-- One row for each alert to mail. It has no state of its own: it is pending until its mail is sent.
CREATE TABLE alert (
    alert_id    UUID        NOT NULL,
    kind        VARCHAR(20) NOT NULL,
    provider    VARCHAR(50) NOT NULL,
    task_id     VARCHAR(200) ${by_code},
    revision    INTEGER,
    -- For a kind that is raised once an hour or a day: the kind, what it is about, and the hour or day.
    dedup_key   VARCHAR(400),
    callback_id UUID,
    -- The other kinds that the same callback raised, comma-separated; the mail names them.
    other_kinds VARCHAR(200),
    detail      VARCHAR(4000),
    created_at  TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- Null until the alert is put into a mail; never changed after that.
    mail_id     VARCHAR(200),
    CONSTRAINT alert_key PRIMARY KEY (alert_id),
    CONSTRAINT alert_is_raised_once_a_revision UNIQUE (task_id, provider, kind, revision),
    CONSTRAINT alert_is_raised_once_a_dedup_key UNIQUE (dedup_key)
);
-- Serves the search for alerts that are in no mail, by provider and kind, oldest first, and the reading of a mail's alerts.
CREATE INDEX alert_by_mail ON alert (mail_id, provider, kind, created_at);

-- One row for each mail: alerts of one provider and kind that are sent together. The latest mail of a provider and kind
-- says when the next one is due. Alerts that go both to mail addresses and to the webhook are in two rows, one for each
-- channel, so that each is attempted, waits and ends for itself; the second is a copy of the first, and has its alerts.
--
--   pending     a recipient still has to accept or reject it -> sent, bounced, suppressed
--   sent        no recipient is left, and at least one accepted it -> pending, at the next start, for those who rejected it
--   bounced     no recipient is left, and all rejected it -> pending, at the next start
--   suppressed  not sent: its kind is switched off, or its recipients or alerts have been removed. The latest one gathers
--               the alerts of its kind while that is switched off
CREATE TABLE mail (
    -- The Message-ID, the same on every attempt.
    mail_id          VARCHAR(200) NOT NULL,
    provider         VARCHAR(50)  NOT NULL,
    kind             VARCHAR(20)  NOT NULL,
    -- Null for a copy.
    sequence         INTEGER,
    channel          VARCHAR(20)  NOT NULL DEFAULT 'mail',
    -- The mail that has the alerts; null if it is this one.
    copy_of          VARCHAR(200),
    -- The first mail of the thread, and the mail before this one.
    thread_id        VARCHAR(200) NOT NULL,
    previous_id      VARCHAR(200),
    state            VARCHAR(20)  NOT NULL,
    created_at       TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- An alert that is raised later, once this mail is sent, is mailed at once; an earlier one waits for next_digest_at.
    quiet_after      TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    interval_seconds INTEGER      NOT NULL,
    next_digest_at   TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    attempts         INTEGER      NOT NULL DEFAULT 0,
    next_attempt_at  TIMESTAMP(6) WITH TIME ZONE,
    -- Whether the last attempt failed for all recipients, so that it is due as soon as another mail of its channel goes
    -- through.
    awaits_server    BOOLEAN      NOT NULL DEFAULT FALSE,
    -- The attempt that is under way. Another process may take the mail once the lease has expired.
    lease_id         UUID,
    leased_until     TIMESTAMP(6) WITH TIME ZONE,
    -- When the first recipient accepted it, or its copy; kept when it becomes pending again.
    sent_at          TIMESTAMP(6) WITH TIME ZONE,
    -- When it became bounced, or suppressed for its last alert.
    failed_at        TIMESTAMP(6) WITH TIME ZONE,
    last_error       VARCHAR(1000),
    CONSTRAINT mail_key PRIMARY KEY (mail_id),
    -- Of several processes that create the same mail, one succeeds. Also serves the search for the latest mail.
    CONSTRAINT mail_is_created_once UNIQUE (provider, kind, sequence),
    CONSTRAINT mail_is_copied_once_a_channel UNIQUE (copy_of, channel),
    CONSTRAINT mail_copy_has_an_original FOREIGN KEY (copy_of) REFERENCES mail (mail_id) ON DELETE CASCADE,
    CONSTRAINT mail_copy_has_no_sequence CHECK ((copy_of IS NULL) = (sequence IS NOT NULL)),
    CONSTRAINT mail_channel_is_known CHECK (channel IN ('mail', 'webhook')),
    CONSTRAINT mail_state_is_known CHECK (state IN ('pending', 'sent', 'bounced', 'suppressed')),
    CONSTRAINT pending_mail_has_a_next_attempt CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL))
);
-- Serves the search for the mails that are due, and for those that wait.
CREATE INDEX mail_by_next_attempt ON mail (next_attempt_at);
-- Serve GET /mails, newest first, and its filter by state.
CREATE INDEX mail_by_creation ON mail (created_at, mail_id);
CREATE INDEX mail_by_state ON mail (state, created_at, mail_id);

-- One row for each recipient of a mail.
CREATE TABLE mail_recipient (
    mail_id VARCHAR(200) NOT NULL,
    -- In lower case; of the channel webhook, that word.
    address VARCHAR(254) NOT NULL,
    state   VARCHAR(20)  NOT NULL,
    CONSTRAINT mail_recipient_key PRIMARY KEY (mail_id, address),
    CONSTRAINT mail_recipient_has_a_mail FOREIGN KEY (mail_id) REFERENCES mail (mail_id) ON DELETE CASCADE,
    CONSTRAINT mail_recipient_state_is_known CHECK (state IN ('pending', 'accepted', 'rejected'))
);
-- Serves GET /mails?refused=true, and the search for the mails to try again at the start.
CREATE INDEX mail_recipient_by_state ON mail_recipient (state, mail_id);

-- One row for each change of a task that the user's own systems are told of, while anything listens. Written by the
-- transaction that changes the task, under the lock of its row, so that a later change of a task has a greater position.
--
--   pending    to be delivered -> delivered, dead
--   delivered  the route on-task-change has returned -> pending, when it is sent again by hand
--   dead       given up -> pending, when it is sent again by hand
CREATE TABLE event (
    position        BIGINT GENERATED BY DEFAULT AS IDENTITY,
    -- Of the callback that made the change; the receiver knows the event by it.
    event_id        UUID         NOT NULL,
    type            VARCHAR(50)  NOT NULL,
    provider        VARCHAR(50)  NOT NULL,
    task_id         VARCHAR(200) ${by_code} NOT NULL,
    -- The JSON that is sent, the same on each attempt.
    data            TEXT         NOT NULL,
    state           VARCHAR(20)  NOT NULL,
    created_at      TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- Since when it is attempted: its creation, or when it was sent again by hand.
    pending_since   TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    -- Since then.
    attempts        INTEGER      NOT NULL DEFAULT 0,
    -- While it is leased, when the lease expires. An event behind an earlier one of its task is put off when it is due.
    next_attempt_at TIMESTAMP(6) WITH TIME ZONE,
    -- The attempt that is under way.
    lease_id        UUID,
    last_error      VARCHAR(1000),
    -- When it was delivered or given up.
    ended_at        TIMESTAMP(6) WITH TIME ZONE,
    CONSTRAINT event_key PRIMARY KEY (position),
    -- Serves sending one again.
    CONSTRAINT event_id_is_unique UNIQUE (event_id),
    CONSTRAINT event_state_is_known CHECK (state IN ('pending', 'delivered', 'dead')),
    CONSTRAINT pending_event_has_a_next_attempt CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT pending_event_has_not_ended CHECK ((state = 'pending') = (ended_at IS NULL))
);
-- Serves the search for the events that are due.
CREATE INDEX event_by_next_attempt ON event (next_attempt_at, position);
-- Serves the search for the oldest event of a task that is pending, GET /events?taskId=, and the retention of tasks.
CREATE INDEX event_by_task ON event (task_id, provider, state, position);
-- Serves GET /events?state=, the count of those that are pending, and the retention.
CREATE INDEX event_by_state ON event (state, ended_at);
