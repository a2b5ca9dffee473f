package dev.callboard.task;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.callboard.db.SqlErrors;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code unrecordedTasks}: the tasks of callbacks that were not recorded, but whose id is known. The provider is
 * asked about them as soon as the database takes that. They are kept in memory, at most {@link #MAX_TASKS}, and are
 * forgotten when the process ends before that: those that are open in the database are looked up after the next start all
 * the same. Safe for use by any number of threads.
 */
public final class UnrecordedTasks implements AutoCloseable {
    /** Beyond it, further ones are dropped; the oldest have waited longest. */
    static final int MAX_TASKS = 10_000;

    private static final Logger LOG = LoggerFactory.getLogger(UnrecordedTasks.class);

    /** Where the bodies of providers have the id of the task; the first one of a body counts. */
    private static final Set<String> ID_FIELDS = Set.of("taskId", "id", "task_id");

    private static final JsonFactory JSON = new JsonFactory();

    private final Announcements announcements;
    private final Set<String> providers;
    private boolean full;
    private final Set<Announcements.Heard> tasks = new LinkedHashSet<>();

    /** @param providers the names of all providers; tasks of others are left out */
    public UnrecordedTasks(Announcements announcements, Set<String> providers) {
        this.announcements = announcements;
        this.providers = providers;
    }

    /** Takes note of the task of a callback that the database did not commit. */
    void add(Callback callback) {
        add(new Announcements.Heard(callback.provider(), callback.taskId(), callback.businessId(), callback.family()));
    }

    /** For the route that quarantines a callback: takes note of its task, if its id can be read. */
    public void addQuarantined(Exchange exchange) {
        String payload = exchange.getVariable("payload", String.class);
        Optional.ofNullable(exchange.getVariable("taskId"))
                .filter(String.class::isInstance)
                .map(String.class::cast)
                .or(() -> taskId(payload == null ? "" : payload))
                .ifPresent(taskId -> add(new Announcements.Heard(
                        exchange.getVariable("provider", String.class),
                        taskId,
                        exchange.getVariable("businessId", String.class),
                        exchange.getVariable("family", String.class))));
    }

    private synchronized void add(Announcements.Heard task) {
        if (task.provider() == null
                || !providers.contains(task.provider())
                || !AnnouncementReader.isText(task.taskId())) {
            return;
        }
        if (tasks.size() < MAX_TASKS) {
            tasks.add(task);
        } else if (!full) {
            full = true;
            LOG.error(
                    "callbacks that were not recorded are forgotten limit={} (look up the newest tasks of {} yourself)",
                    MAX_TASKS,
                    task.provider());
        }
    }

    /** The id in a body that may be invalid in any way; empty if none is found before the first mistake in its JSON. */
    static Optional<String> taskId(String body) {
        try (JsonParser json = JSON.createParser(body)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                return Optional.empty();
            }
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                boolean isId = ID_FIELDS.contains(json.currentName());
                JsonToken value = json.nextToken();
                if (isId && value == JsonToken.VALUE_STRING) {
                    return Optional.of(json.getText());
                }
                json.skipChildren();
            }
        } catch (IOException e) {
            // What was read until then had no id.
        }
        return Optional.empty();
    }

    /** Has the tasks looked up; those that the database does not take now stay. */
    public void flush() {
        List<Announcements.Heard> some = some();
        if (some.isEmpty()) {
            return;
        }
        try {
            announcements.lookUpSoon(some);
        } catch (SQLException e) {
            if (SqlErrors.isContentError(e) && !SqlErrors.isRace(e)) {
                // Not again and again in front of all others.
                LOG.error("unrecorded tasks dropped count={} cause={}", some.size(), SqlErrors.describe(e));
                remove(some);
                return;
            }
            LOG.debug("unrecorded tasks wait for the database count={} cause={}", some.size(), SqlErrors.describe(e));
            return;
        }
        remove(some);
        LOG.info("asks the providers about callbacks that were not recorded tasks={}", some.size());
    }

    synchronized int size() {
        return tasks.size();
    }

    /** Says how many are forgotten. */
    @Override
    public void close() {
        int left = size();
        if (left > 0) {
            LOG.error(
                    "callbacks that were not recorded are forgotten count={} (look up the newest tasks yourself)",
                    left);
        }
    }

    private synchronized void remove(List<Announcements.Heard> some) {
        some.forEach(tasks::remove);
        full = false;
    }

    private synchronized List<Announcements.Heard> some() {
        List<Announcements.Heard> some = new ArrayList<>();
        for (Announcements.Heard task : tasks) {
            if (some.size() == Announcements.MAX_CHUNK) {
                break;
            }
            some.add(task);
        }
        return some;
    }
}
