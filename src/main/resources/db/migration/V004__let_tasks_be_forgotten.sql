-- Serves the count of alerts that a person has to look at, among all that were ever sent.
CREATE INDEX alert_by_set_aside ON alert (set_aside_at);

-- A task goes with all that hangs on it, in one statement that locks the task first.
ALTER TABLE callback DROP CONSTRAINT callback_has_a_task;
ALTER TABLE callback ADD CONSTRAINT callback_has_a_task
    FOREIGN KEY (provider, task_id) REFERENCES task (provider, task_id) ON DELETE CASCADE;
ALTER TABLE result DROP CONSTRAINT result_has_a_task;
ALTER TABLE result ADD CONSTRAINT result_has_a_task
    FOREIGN KEY (provider, task_id) REFERENCES task (provider, task_id) ON DELETE CASCADE;
ALTER TABLE alert DROP CONSTRAINT alert_has_its_callback;
ALTER TABLE alert ADD CONSTRAINT alert_has_its_callback
    FOREIGN KEY (callback_id) REFERENCES callback (callback_id) ON DELETE CASCADE;
-- Serves that cascade.
CREATE INDEX alert_by_callback ON alert (callback_id);
