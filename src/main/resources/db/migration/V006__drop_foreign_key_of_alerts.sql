-- It needs an index of its own on H2, for which each callback that alerts somebody waits. Alerts are deleted before their
-- task instead.
ALTER TABLE alert DROP CONSTRAINT alert_has_a_task;
