-- Serves the count of alerts that a person has to look at, among all that were ever sent.
CREATE INDEX alert_by_set_aside ON alert (set_aside_at);
