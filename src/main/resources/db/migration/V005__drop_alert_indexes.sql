-- Each callback that alerts somebody waits for all of an alert's indexes to be written. What the mails' table or another
-- index tells too needs none of its own, and a foreign key needs one more on H2.
ALTER TABLE alert DROP CONSTRAINT IF EXISTS alert_has_its_callback;
DROP INDEX IF EXISTS alert_by_callback;
DROP INDEX IF EXISTS alert_by_next_attempt;
DROP INDEX IF EXISTS alert_by_set_aside;
