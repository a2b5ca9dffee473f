package dev.callboard.task;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.db.SqlErrors;
import dev.callboard.db.SqlFile;
import dev.callboard.db.SqlTimes;
import dev.callboard.event.EventLog;
import dev.callboard.event.TaskEvent;
import dev.callboard.text.Sha256;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * The statements of recording, on one connection whose transaction belongs to the caller. Each method is one round trip to
 * the database, whatever the number of rows, and none if there are no rows. Decides nothing.
 */
final class TaskTables {
    private static final SqlFile SQL = SqlFile.read("recording");

    private static final String SELECT_TASK_KEYS = SQL.statement("select-task-keys");
    private static final String LOCK_TASK = SQL.statement("lock-task");
    private static final String SELECT_TASKS = SQL.statement("select-tasks");
    private static final String SELECT_OCCURRENCES = SQL.statement("select-occurrences");
    private static final String SELECT_FILES = SQL.statement("select-files");
    private static final String INSERT_TASK = SQL.statement("insert-task");
    private static final String UPDATE_TASK = SQL.statement("update-task");
    private static final List<String> DELETE_PROBE =
            List.of(SQL.statement("delete-callbacks-of-probe"), SQL.statement("delete-task-of-probe"));
    private static final String INSERT_CALLBACK = SQL.statement("insert-callback");
    private static final String INSERT_OPEN_TASK = SQL.statement("insert-open-task");
    private static final String UPDATE_OPEN_TASK = SQL.statement("update-open-task");
    private static final String DELETE_OPEN_TASK = SQL.statement("delete-open-task");
    private static final String INSERT_RESULT = SQL.statement("insert-result");
    private static final String INSERT_ALERT = SQL.statement("insert-alert");
    private static final String INSERT_OTHER_KIND_OF_ALERT = SQL.statement("insert-other-kind-of-alert");

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Connection connection;

    TaskTables(Connection connection) {
        this.connection = connection;
    }

    /** Those of the tasks that have a row. Another transaction may insert or delete one at any time. */
    NavigableSet<TaskKey> findExisting(Set<TaskKey> tasks) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(SELECT_TASK_KEYS)) {
            select.setArray(1, taskIds(tasks));
            NavigableSet<TaskKey> existing = new TreeSet<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    existing.add(key(row));
                }
            }
            // Another provider may have a task of the same id.
            existing.retainAll(tasks);
            return existing;
        }
    }

    /** Inserts tasks; waits for, and fails after, another transaction that has inserted one of them. */
    void insertTasks(Collection<Task> tasks, Map<TaskKey, Instant> lastCallbackAt) throws SQLException {
        if (tasks.isEmpty()) {
            return;
        }
        try (PreparedStatement insert = connection.prepareStatement(INSERT_TASK)) {
            for (Task task : tasks) {
                setTask(insert, task, lastCallbackAt.get(task.key()));
                SqlTimes.set(insert, 19, task.firstReceivedAt());
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    /**
     * Locks tasks in the order of the set until the transaction ends, and moves the time of their last callback forward.
     *
     * @throws SQLException a race, if one of them no longer has a row
     */
    void lock(NavigableSet<TaskKey> tasks, Map<TaskKey, Instant> lastCallbackAt) throws SQLException {
        try (PreparedStatement lock = connection.prepareStatement(LOCK_TASK)) {
            for (TaskKey key : tasks) {
                SqlTimes.set(lock, 1, lastCallbackAt.get(key));
                lock.setString(2, key.provider());
                lock.setString(3, key.taskId());
                lock.addBatch();
            }
            for (int count : lock.executeBatch()) {
                if (count == 0) {
                    throw SqlErrors.race("a task was deleted by another transaction");
                }
            }
        }
    }

    /** Reads tasks that are locked. */
    List<Task> readTasks(Set<TaskKey> locked) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(SELECT_TASKS)) {
            select.setArray(1, taskIds(locked));
            List<Task> tasks = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    if (locked.contains(key(row))) {
                        tasks.add(task(row));
                    }
                }
            }
            return tasks;
        }
    }

    /** How often a body is stored for a task; at least once. */
    record Occurrences(TaskKey task, Sha256 digest, int count) {}

    /** How often the bodies of these callbacks are stored for their tasks, which are locked; without those that are not. */
    List<Occurrences> readOccurrences(Collection<Callback> callbacks) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(SELECT_OCCURRENCES)) {
            select.setArray(1, taskIds(callbacks.stream().map(Callback::key).collect(Collectors.toSet())));
            select.setArray(
                    2,
                    connection.createArrayOf(
                            "bytea",
                            callbacks.stream()
                                    .map(callback -> callback.digest().bytes())
                                    .toArray(byte[][]::new)));
            List<Occurrences> stored = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    Sha256 digest = Sha256.ofBytes(row.getBytes("digest"));
                    stored.add(new Occurrences(key(row), digest, row.getInt("occurrences")));
                }
            }
            return stored;
        }
    }

    /** A file of a task, by the digest of its URL. */
    record StoredFile(TaskKey task, Sha256 url, String kind) {}

    /** The files of tasks that are locked. */
    List<StoredFile> readFiles(Set<TaskKey> locked) throws SQLException {
        if (locked.isEmpty()) {
            return List.of();
        }
        try (PreparedStatement select = connection.prepareStatement(SELECT_FILES)) {
            select.setArray(1, taskIds(locked));
            List<StoredFile> files = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    Sha256 url = Sha256.ofBytes(row.getBytes("url_digest"));
                    files.add(new StoredFile(key(row), url, row.getString("kind")));
                }
            }
            return files;
        }
    }

    private Array taskIds(Set<TaskKey> tasks) throws SQLException {
        return connection.createArrayOf(
                "varchar", tasks.stream().map(TaskKey::taskId).distinct().toArray());
    }

    void updateTasks(Collection<Task> tasks) throws SQLException {
        if (tasks.isEmpty()) {
            return;
        }
        try (PreparedStatement update = connection.prepareStatement(UPDATE_TASK)) {
            for (Task task : tasks) {
                setTask(update, task, task.lastCallbackAt());
                update.addBatch();
            }
            update.executeBatch();
        }
    }

    /** The parameters that inserting and updating have in common. */
    private static void setTask(PreparedStatement write, Task task, Instant lastCallbackAt) throws SQLException {
        write.setString(1, task.taskType());
        write.setString(2, task.family());
        write.setString(3, task.businessId());
        write.setString(4, task.sourceTaskId());
        write.setString(5, task.regenType());
        write.setString(6, task.status());
        write.setString(7, task.outcome().code());
        write.setString(8, task.failureReason());
        SqlTimes.set(write, 9, task.occurredAt());
        SqlTimes.set(write, 10, lastCallbackAt);
        SqlTimes.set(write, 11, task.changedAt());
        SqlTimes.set(write, 12, task.outcomeSince());
        write.setObject(13, task.appliedCallbackId());
        SqlTimes.set(write, 14, task.appliedOccurredAt());
        SqlTimes.set(write, 15, task.appliedReceivedAt());
        write.setInt(16, task.revision());
        write.setString(17, task.key().provider());
        write.setString(18, task.key().taskId());
    }

    /** Deletes the task of a probe with its callback; it has no results and no alerts. */
    void deleteProbe(TaskKey task) throws SQLException {
        for (String sql : DELETE_PROBE) {
            try (PreparedStatement delete = connection.prepareStatement(sql)) {
                delete.setString(1, task.provider());
                delete.setString(2, task.taskId());
                delete.executeUpdate();
            }
        }
    }

    /**
     * When something is done about a task that is open from now on.
     *
     * @param overdueAt null if nobody is to be told
     */
    record Opening(TaskKey task, Instant openedAt, Instant nextLookupAt, Instant overdueAt) {}

    /** Notes that tasks are open from now on, unless that is noted already. */
    void insertOpenTasks(Collection<Opening> openings) throws SQLException {
        if (openings.isEmpty()) {
            return;
        }
        try (PreparedStatement insert = connection.prepareStatement(INSERT_OPEN_TASK)) {
            for (Opening opening : openings) {
                insert.setString(1, opening.task().provider());
                insert.setString(2, opening.task().taskId());
                SqlTimes.set(insert, 3, opening.openedAt());
                SqlTimes.set(insert, 4, opening.nextLookupAt());
                SqlTimes.set(insert, 5, opening.overdueAt());
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    /** Notes when open tasks are looked up, since their providers were heard. */
    void updateOpenTasks(Map<TaskKey, Instant> nextLookups) throws SQLException {
        if (nextLookups.isEmpty()) {
            return;
        }
        try (PreparedStatement update = connection.prepareStatement(UPDATE_OPEN_TASK)) {
            for (Map.Entry<TaskKey, Instant> next : nextLookups.entrySet()) {
                SqlTimes.set(update, 1, next.getValue());
                update.setString(2, next.getKey().provider());
                update.setString(3, next.getKey().taskId());
                update.addBatch();
            }
            update.executeBatch();
        }
    }

    /** Notes that tasks are over. */
    void deleteOpenTasks(Collection<Task> tasks) throws SQLException {
        if (tasks.isEmpty()) {
            return;
        }
        try (PreparedStatement delete = connection.prepareStatement(DELETE_OPEN_TASK)) {
            for (Task task : tasks) {
                delete.setString(1, task.key().provider());
                delete.setString(2, task.key().taskId());
                delete.addBatch();
            }
            delete.executeBatch();
        }
    }

    void insertCallbacks(List<GroupChanges.NewCallback> callbacks) throws SQLException {
        if (callbacks.isEmpty()) {
            return;
        }
        try (PreparedStatement insert = connection.prepareStatement(INSERT_CALLBACK)) {
            for (GroupChanges.NewCallback added : callbacks) {
                Callback callback = added.callback();
                insert.setObject(1, callback.id());
                insert.setString(2, callback.provider());
                insert.setString(3, callback.taskId());
                insert.setString(4, callback.status());
                insert.setString(5, callback.outcome().code());
                insert.setString(6, commaSeparated(callback.alerts()));
                insert.setString(7, callback.failureReason());
                insert.setString(8, json(callback.details()));
                SqlTimes.set(insert, 9, callback.occurredAt());
                insert.setBytes(10, callback.digest().bytes());
                insert.setInt(11, added.occurrence());
                insert.setString(12, callback.payload());
                insert.setString(13, callback.clientAddress());
                insert.setString(14, callback.origin().code());
                SqlTimes.set(insert, 15, callback.receivedAt());
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    /** Inserts the results of callbacks, except those whose URL the task has already. */
    void insertResults(List<GroupChanges.NewCallback> callbacks) throws SQLException {
        if (callbacks.stream().allMatch(added -> added.callback().results().isEmpty())) {
            return;
        }
        try (PreparedStatement insert = connection.prepareStatement(INSERT_RESULT)) {
            for (GroupChanges.NewCallback added : callbacks) {
                Callback callback = added.callback();
                for (Callback.Result result : callback.results()) {
                    insert.setString(1, callback.provider());
                    insert.setString(2, callback.taskId());
                    insert.setBytes(3, Sha256.of(result.url()).bytes());
                    insert.setString(4, result.kind());
                    insert.setString(5, result.url());
                    insert.setString(6, result.externalId());
                    insert.setString(7, result.templateId());
                    insert.setBoolean(8, result.flagged());
                    SqlTimes.set(insert, 9, callback.receivedAt());
                    insert.addBatch();
                }
            }
            insert.executeBatch();
        }
    }

    /** Inserts alerts, except those that were raised before: in the same revision, or with the same dedup key. */
    void insertAlerts(List<GroupChanges.RaisedAlert> alerts) throws SQLException {
        if (alerts.isEmpty()) {
            return;
        }
        try (PreparedStatement insert = connection.prepareStatement(INSERT_ALERT)) {
            for (GroupChanges.RaisedAlert alert : alerts) {
                Callback callback = alert.callback();
                insert.setObject(1, alert.id());
                insert.setString(2, alert.kind());
                insert.setString(3, callback.provider());
                insert.setString(4, callback.taskId());
                // With a dedup key the revision must not matter: the next day's alert may be of the same revision.
                insert.setObject(5, alert.dedupKey().isPresent() ? null : alert.revision());
                insert.setString(6, alert.dedupKey().orElse(null));
                insert.setObject(7, callback.id());
                insert.setString(8, commaSeparated(alert.otherKinds()));
                SqlTimes.set(insert, 9, callback.recordedAt());
                insert.addBatch();
            }
            insert.executeBatch();
        }
        insertOtherKinds(alerts);
    }

    /**
     * The other kinds of an alert that was raised before would be lost with it, so each gets an alert of its own, unless
     * the one raised before names it. Rare, hence a round trip of its own.
     */
    private void insertOtherKinds(List<GroupChanges.RaisedAlert> alerts) throws SQLException {
        if (alerts.stream().allMatch(alert -> alert.otherKinds().isEmpty())) {
            return;
        }
        try (PreparedStatement insert = connection.prepareStatement(INSERT_OTHER_KIND_OF_ALERT)) {
            for (GroupChanges.RaisedAlert alert : alerts) {
                Callback callback = alert.callback();
                for (String kind : alert.otherKinds()) {
                    insert.setObject(1, UUID.randomUUID());
                    insert.setString(2, kind);
                    insert.setString(3, callback.provider());
                    insert.setString(4, callback.taskId());
                    insert.setInt(5, alert.revision());
                    insert.setObject(6, callback.id());
                    SqlTimes.set(insert, 7, callback.recordedAt());
                    // The alert of this callback, if it was inserted.
                    insert.setObject(8, alert.id());
                    insert.setString(9, callback.provider());
                    insert.setString(10, callback.taskId());
                    insert.setInt(11, alert.revision());
                    insert.setString(12, "%," + kind + ",%");
                    insert.addBatch();
                }
            }
            insert.executeBatch();
        }
    }

    /** Inserts the events of changes, in their order. */
    void insertEvents(EventLog log, List<TaskEvent> events) throws SQLException {
        if (!events.isEmpty()) {
            log.insert(connection, events);
        }
    }

    private static String commaSeparated(List<String> codes) {
        return codes.isEmpty() ? null : String.join(",", codes);
    }

    private static String json(Map<String, String> details) {
        return details.isEmpty() ? null : JSON.valueToTree(details).toString();
    }

    private static Duration seconds(ResultSet row, String column) throws SQLException {
        int seconds = row.getInt(column);
        return row.wasNull() ? null : Duration.ofSeconds(seconds);
    }

    private static TaskKey key(ResultSet row) throws SQLException {
        return new TaskKey(row.getString("provider"), row.getString("task_id"));
    }

    private static Task task(ResultSet row) throws SQLException {
        return new Task(
                key(row),
                row.getString("task_type"),
                row.getString("family"),
                row.getString("business_id"),
                row.getString("source_task_id"),
                row.getString("regen_type"),
                row.getString("status"),
                Outcome.ofColumn(row.getString("outcome")),
                row.getString("failure_reason"),
                row.getString("expects"),
                seconds(row, "overdue_after"),
                SqlTimes.get(row, "occurred_at"),
                SqlTimes.get(row, "first_received_at"),
                SqlTimes.get(row, "last_callback_at"),
                SqlTimes.get(row, "changed_at"),
                SqlTimes.get(row, "outcome_since"),
                row.getObject("applied_callback_id", UUID.class),
                SqlTimes.get(row, "applied_occurred_at"),
                SqlTimes.get(row, "applied_received_at"),
                row.getInt("revision"));
    }
}
