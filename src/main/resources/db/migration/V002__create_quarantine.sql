-- One row a body that could not be understood or recorded, until it is sent again or the newest have taken its place.
CREATE TABLE quarantine (
    quarantine_id  UUID          NOT NULL,
    provider       VARCHAR(50)   NOT NULL,
    source_address VARCHAR(50),
    business_id    VARCHAR(200),
    reason         VARCHAR(2000) NOT NULL,
    payload        TEXT          NOT NULL,
    characters     INTEGER       NOT NULL,
    received_at    TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    CONSTRAINT quarantine_key PRIMARY KEY (quarantine_id)
);
-- Serves the search for the oldest, which go first.
CREATE INDEX quarantine_by_reception ON quarantine (received_at);
