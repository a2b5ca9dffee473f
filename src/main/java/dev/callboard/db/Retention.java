package dev.callboard.db;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code retention} of the route {@code apply-retention}: deletes what is older than {@code callboard.retention}.
 * A task expires with its last callback and goes with its callbacks, results, alerts and delivered events; while an alert of it still
 * is to be sent, it stays. Then go alerts about no task that were sent or suppressed, mails that are over and whose alerts
 * are all deleted, and quarantined callbacks. Safe for use by several processes on one database.
 */
public final class Retention {
    /** How many tasks a transaction deletes; the number is in {@code lock-expired-tasks.sql}. */
    static final int MAX_TASKS_A_STEP = 1000;

    private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

    private static final SqlFile SQL = SqlFile.read("retention");

    private static final String LOCK_EXPIRED_TASKS = SQL.statement("lock-expired-tasks");
    private static final String DELETE_ALERTS_OF_TASK = SQL.statement("delete-alerts-of-task");
    private static final String DELETE_TASK_WITHOUT_ALERTS = SQL.statement("delete-task-without-alerts");
    private static final String DELETE_CALLBACKS_OF_TASK = SQL.statement("delete-callbacks-of-task");
    private static final String DELETE_OPEN_TASK = SQL.statement("delete-open-task");
    private static final String DELETE_EVENTS_OF_TASK = SQL.statement("delete-events-of-task");
    private static final String DELETE_RESULTS_OF_TASK = SQL.statement("delete-results-of-task");

    /** Alerts before mails, since a mail goes once it has no alert. */
    private static final List<String> DELETE_EXPIRED = List.of(
            SQL.statement("delete-expired-alerts"),
            SQL.statement("delete-expired-mails"),
            SQL.statement("delete-expired-quarantine"));

    private final Database database;
    private final Optional<Duration> retention;
    private final Clock clock;

    private record Key(String provider, String taskId) {}

    /** @param retention how long a task is kept after its last callback; empty to keep everything */
    public Retention(Database database, Optional<Duration> retention, Clock clock) {
        this.database = database;
        this.retention = retention;
        this.clock = clock;
    }

    /** Deletes what has expired by now; nothing if {@code callboard.retention} is not set. */
    public void apply() throws SQLException {
        if (retention.isPresent()) {
            deleteBefore(clock.instant().minus(retention.get()));
        }
    }

    private void deleteBefore(Instant expiry) throws SQLException {
        int tasks = 0;
        int step;
        do {
            step = database.transact(connection -> deleteTasksBefore(expiry, connection));
            tasks += step;
        } while (step == MAX_TASKS_A_STEP);
        for (String delete : DELETE_EXPIRED) {
            database.run(connection -> {
                try (PreparedStatement statement = connection.prepareStatement(delete)) {
                    SqlTimes.set(statement, 1, expiry);
                    return statement.executeUpdate();
                }
            });
        }
        if (tasks > 0) {
            LOG.info("deleted expired tasks count={} last-callback-before={}", tasks, expiry);
        }
    }

    /**
     * One step in one transaction; returns how many tasks it deleted. Selects and locks before it deletes: a callback
     * that arrived before the lock has renewed its task, which is then not selected; one that arrives later waits,
     * finds the task deleted, and is recorded as the first of a new task.
     */
    private static int deleteTasksBefore(Instant expiry, Connection connection) throws SQLException {
        List<Key> expired = lockExpired(expiry, connection);
        if (expired.isEmpty()) {
            return 0;
        }
        delete(DELETE_ALERTS_OF_TASK, expired, connection);
        List<Key> deleted = delete(DELETE_TASK_WITHOUT_ALERTS, expired, connection);
        delete(DELETE_CALLBACKS_OF_TASK, deleted, connection);
        delete(DELETE_RESULTS_OF_TASK, deleted, connection);
        delete(DELETE_EVENTS_OF_TASK, deleted, connection);
        delete(DELETE_OPEN_TASK, deleted, connection);
        return deleted.size();
    }

    private static List<Key> lockExpired(Instant expiry, Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(LOCK_EXPIRED_TASKS)) {
            SqlTimes.set(select, 1, expiry);
            SqlTimes.set(select, 2, expiry);
            List<Key> expired = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    expired.add(new Key(row.getString("provider"), row.getString("task_id")));
                }
            }
            return expired;
        }
    }

    /** Executes a statement for each task in one batch; returns those of which it deleted a row. */
    private static List<Key> delete(String sql, List<Key> tasks, Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (Key task : tasks) {
                statement.setString(1, task.provider());
                statement.setString(2, task.taskId());
                statement.addBatch();
            }
            int[] counts = statement.executeBatch();
            return IntStream.range(0, counts.length)
                    .filter(i -> counts[i] > 0)
                    .mapToObj(tasks::get)
                    .toList();
        }
    }
}
