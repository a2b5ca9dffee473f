-- Each callback that alerts somebody waits for all of an alert's indexes to be written. What the mails' table or another
-- index tells too needs none of its own.
DROP INDEX alert_by_next_attempt;
DROP INDEX alert_by_set_aside;
-- An alert goes with its task, as the callback does; its key beginning with the task's serves that cascade.
ALTER TABLE alert DROP CONSTRAINT alert_has_its_callback;
DROP INDEX alert_by_callback;
ALTER TABLE alert ADD CONSTRAINT alert_has_a_task
    FOREIGN KEY (provider, task_id) REFERENCES task (provider, task_id) ON DELETE CASCADE;
