package dev.callboard.task;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.db.Database;
import dev.callboard.db.SqlFile;
import dev.callboard.text.Sha256;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;

/**
 * Writes callbacks down: the callback, its task, its results and its alert in one transaction, and returns only when
 * that is durable. It decides nothing about statuses, only about order (see {@link Task}).
 *
 * <p>The tasks of a group are locked first and in the order of their keys, so that several processes on one PostgreSQL
 * neither deadlock nor lose anything; whoever loses the race to create a task does its group again. Safe for any number
 * of threads.
 */
public final class TaskStore {
    /** Alerts that any callback may raise; the others only one that moves its task. */
    private static final Set<String> RAISED_BY_ANY = Set.of("flagged", "unknown");

    /** How often a group is tried when other transactions are in its way: each time one of those has got through. */
    private static final int MAX_TRIES = 20;

    private static final String SERIALIZATION_FAILURE = "40001";

    private static final String SELECT_TASK_KEY = SqlFile.read("select-task-key");
    private static final String HEAR_OF_TASK = SqlFile.read("lock-task");
    private static final String SELECT_TASK_AND_REPEAT = SqlFile.read("select-task-and-duplicate");
    private static final String INSERT_TASK = SqlFile.read("insert-task");
    private static final String MOVE_TASK = SqlFile.read("update-task");
    private static final String INSERT_CALLBACK = SqlFile.read("insert-callback");
    private static final String INSERT_RESULT = SqlFile.read("insert-result");
    private static final String INSERT_ALERT = SqlFile.read("insert-alert");
    private static final String INSERT_OTHER_ALERT = SqlFile.read("insert-other-kind-of-alert");

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Database database;

    public TaskStore(Database database) {
        this.database = database;
    }

    /** What became of a callback. */
    public enum Effect {
        /** It is kept, and its task stands where it says. */
        MOVED,
        /** It is kept, but its task stands at something newer. */
        OUT_OF_DATE,
        /** The same body was kept before; nothing changed but the time at which the task was heard of. */
        REPEATED
    }

    /**
     * Writes callbacks down in one transaction, in the order given; none at all is no work.
     *
     * @return what became of each, in the same order
     * @throws NotRecordedException if the database did not commit; nothing of the group is kept, unless the answer to
     *     the commit itself was lost, in which case sending it again changes nothing
     * @throws RejectedByDatabaseException if the database refuses what is in one of them; nothing of the group is kept
     */
    public List<Effect> recordGroup(List<Callback> group) throws NotRecordedException, RejectedByDatabaseException {
        if (group.isEmpty()) {
            return List.of();
        }
        for (int tries = 1; ; tries++) {
            try (Connection connection = database.dataSource().getConnection()) {
                try {
                    return transact(connection, group);
                } catch (SQLException e) {
                    if (!isRace(e) && !isLockTimeout(e) && !isAboutContent(e)) {
                        // Whatever is wrong with it, the next group gets another one.
                        database.giveUp(connection);
                    }
                    throw e;
                }
            } catch (SQLException e) {
                if (isRace(e) && tries < MAX_TRIES) {
                    pause(tries);
                } else if (!isRace(e) && isAboutContent(e)) {
                    throw new RejectedByDatabaseException("the database refuses it (" + describe(e) + ")", e);
                } else {
                    throw new NotRecordedException(
                            "the database did not commit (" + describe(e) + ")", e, isLockTimeout(e));
                }
            }
        }
    }

    private List<Effect> transact(Connection connection, List<Callback> group) throws SQLException {
        connection.setAutoCommit(false);
        try {
            List<Effect> effects = new Group(group).write(connection);
            connection.commit();
            connection.setAutoCommit(true);
            database.sync(connection);
            return effects;
        } catch (SQLException | RuntimeException e) {
            try {
                connection.rollback();
            } catch (SQLException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
    }

    /** Another transaction made the same task, or was in the way: serialization failure, deadlock. */
    private static boolean isRace(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.equals("23505") || state.equals("40001") || state.equals("40P01") || state.equals("90131");
    }

    private static boolean isLockTimeout(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.equals("55P03") || state.equals("HYT00");
    }

    /** Not the state of the database but a value: it is out of range, breaks a rule, or is too much for an index. */
    private static boolean isAboutContent(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.startsWith("22") || state.startsWith("23") || state.startsWith("54") || state.startsWith("P0");
    }

    private static void pause(int tries) throws NotRecordedException {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(1, 10L * tries));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NotRecordedException("interrupted", e);
        }
    }

    /** What went wrong, without the values that a database's message may quote. */
    public static String describe(SQLException e) {
        return e.getClass().getSimpleName() + ", SQL state " + e.getSQLState();
    }

    /**
     * One group on its way into the tables. Tasks that nobody has told of are inserted before the others are locked,
     * both in the order of their keys: whoever waits for another group's task then holds none that this one may still
     * want. Used by one thread, once.
     */
    private static final class Group {
        private final List<Callback> callbacks;
        private final Map<TaskKey, Task> tasks = new TreeMap<>();
        private final Map<TaskKey, Instant> heard = new TreeMap<>();
        private final Set<TaskKey> known = new TreeSet<>();
        private final Map<TaskKey, Set<Sha256>> kept = new HashMap<>();
        private final Set<TaskKey> moved = new TreeSet<>();
        private final List<Callback> fresh = new ArrayList<>();
        private final List<Alert> alerts = new ArrayList<>();

        Group(List<Callback> callbacks) {
            this.callbacks = callbacks;
        }

        private record Alert(Callback callback, String kind, String also, int turn) {
            /** For what is told once a day, whatever the task: the thing and the day. */
            String toldOnce() {
                return kind.equals("unknown")
                        ? "unknown " + callback.provider() + " " + callback.status() + " "
                                + LocalDate.ofInstant(callback.receivedAt(), ZoneOffset.UTC)
                        : null;
            }
        }

        List<Effect> write(Connection connection) throws SQLException {
            for (Callback callback : callbacks) {
                heard.put(callback.key(), callback.receivedAt());
            }
            Effect[] effects = new Effect[callbacks.size()];
            findKnown(connection);
            decide(effects, key -> !known.contains(key));
            writeTasks(connection, INSERT_TASK, tasks.values());
            lockKnown(connection);
            decide(effects, known::contains);
            moved.retainAll(known);
            writeTasks(connection, MOVE_TASK, moved.stream().map(tasks::get).toList());
            writeCallbacks(connection);
            writeResults(connection);
            writeAlerts(connection);
            return List.of(effects);
        }

        private void findKnown(Connection connection) throws SQLException {
            List<TaskKey> keys = List.copyOf(heard.keySet());
            int looks = padded(keys.size());
            try (PreparedStatement select = connection.prepareStatement(union(SELECT_TASK_KEY, looks))) {
                for (int i = 0; i < looks; i++) {
                    TaskKey key = keys.get(Math.min(i, keys.size() - 1));
                    select.setString(2 * i + 1, key.provider());
                    select.setString(2 * i + 2, key.taskId());
                }
                try (ResultSet row = select.executeQuery()) {
                    while (row.next()) {
                        known.add(new TaskKey(row.getString("provider"), row.getString("task_id")));
                    }
                }
            }
        }

        private void lockKnown(Connection connection) throws SQLException {
            if (known.isEmpty()) {
                return;
            }
            try (PreparedStatement lock = connection.prepareStatement(HEAR_OF_TASK)) {
                for (TaskKey key : known) {
                    lock.setObject(1, utc(heard.get(key)));
                    lock.setString(2, key.provider());
                    lock.setString(3, key.taskId());
                    lock.addBatch();
                }
                for (int count : lock.executeBatch()) {
                    if (count == 0) {
                        throw new SQLException("a task was removed meanwhile", SERIALIZATION_FAILURE);
                    }
                }
            }
            readKnown(
                    connection,
                    callbacks.stream()
                            .filter(callback -> known.contains(callback.key()))
                            .toList());
        }

        /** Few different numbers, so that few different statements are prepared. */
        private static int padded(int looks) {
            return Integer.highestOneBit(2 * looks - 1);
        }

        private static String union(String sql, int times) {
            return (sql + "\n UNION ALL\n").repeat(times - 1) + sql;
        }

        /** One round trip for all: a look by key for each callback. */
        private void readKnown(Connection connection, List<Callback> ofKnown) throws SQLException {
            int looks = padded(ofKnown.size());
            try (PreparedStatement select = connection.prepareStatement(union(SELECT_TASK_AND_REPEAT, looks))) {
                for (int i = 0; i < looks; i++) {
                    Callback callback = ofKnown.get(Math.min(i, ofKnown.size() - 1));
                    select.setBytes(3 * i + 1, callback.digest().bytes());
                    select.setString(3 * i + 2, callback.provider());
                    select.setString(3 * i + 3, callback.taskId());
                }
                try (ResultSet row = select.executeQuery()) {
                    while (row.next()) {
                        Task task = task(row);
                        tasks.put(task.key(), task);
                        byte[] digest = row.getBytes("digest");
                        if (digest != null) {
                            keep(task.key(), Sha256.ofBytes(digest));
                        }
                    }
                }
            }
        }

        private boolean keep(TaskKey key, Sha256 digest) {
            return kept.computeIfAbsent(key, k -> new HashSet<>()).add(digest);
        }

        private void decide(Effect[] effects, Predicate<TaskKey> which) {
            for (int i = 0; i < effects.length; i++) {
                if (which.test(callbacks.get(i).key())) {
                    effects[i] = decide(callbacks.get(i));
                }
            }
        }

        private Effect decide(Callback callback) {
            TaskKey key = callback.key();
            if (!keep(key, callback.digest())) {
                return Effect.REPEATED;
            }
            fresh.add(callback);
            Task before = tasks.get(key);
            boolean moves = before == null || before.isMovedBy(callback);
            if (moves) {
                tasks.put(key, before == null ? Task.startedBy(callback) : before.movedBy(callback));
                moved.add(key);
            }
            List<String> told = callback.alerts().stream()
                    .filter(kind -> moves || RAISED_BY_ANY.contains(kind))
                    .toList();
            if (!told.isEmpty()) {
                String also = told.size() == 1 ? null : String.join(",", told.subList(1, told.size()));
                alerts.add(new Alert(callback, told.get(0), also, tasks.get(key).turn()));
            }
            return moves ? Effect.MOVED : Effect.OUT_OF_DATE;
        }

        private void writeTasks(Connection connection, String sql, Collection<Task> chosen) throws SQLException {
            if (chosen.isEmpty()) {
                return;
            }
            try (PreparedStatement write = connection.prepareStatement(sql)) {
                for (Task task : chosen) {
                    write.setString(1, task.taskType());
                    write.setString(2, task.businessId());
                    write.setString(3, task.sourceTaskId());
                    write.setString(4, task.regenType());
                    write.setString(5, task.status());
                    write.setString(6, task.outcome().word());
                    write.setString(7, task.failureReason());
                    write.setObject(8, utc(task.occurredAt()));
                    write.setObject(9, utc(task.orderTime()));
                    write.setObject(10, utc(heard.get(task.key())));
                    write.setObject(11, utc(task.changedAt()));
                    write.setObject(12, utc(task.outcomeSince()));
                    write.setObject(13, task.callbackId());
                    write.setInt(14, task.turn());
                    write.setString(15, task.key().provider());
                    write.setString(16, task.key().taskId());
                    if (sql.equals(INSERT_TASK)) {
                        write.setObject(17, utc(task.firstReceivedAt()));
                    }
                    write.addBatch();
                }
                write.executeBatch();
            }
        }

        private void writeCallbacks(Connection connection) throws SQLException {
            if (fresh.isEmpty()) {
                return;
            }
            try (PreparedStatement write = connection.prepareStatement(INSERT_CALLBACK)) {
                for (Callback callback : fresh) {
                    write.setObject(1, callback.id());
                    write.setString(2, callback.provider());
                    write.setString(3, callback.taskId());
                    write.setString(4, callback.status());
                    write.setString(5, callback.outcome().word());
                    write.setString(6, callback.alerts().isEmpty() ? null : String.join(",", callback.alerts()));
                    write.setString(7, callback.failureReason());
                    write.setString(8, details(callback));
                    write.setObject(9, utc(callback.occurredAt()));
                    write.setBytes(10, callback.digest().bytes());
                    write.setString(11, callback.payload());
                    write.setString(12, callback.sourceAddress());
                    write.setString(13, callback.origin());
                    write.setObject(14, utc(callback.receivedAt()));
                    write.addBatch();
                }
                write.executeBatch();
            }
        }

        private static String details(Callback callback) {
            return callback.details().isEmpty()
                    ? null
                    : JSON.valueToTree(callback.details()).toString();
        }

        private void writeResults(Connection connection) throws SQLException {
            try (PreparedStatement write = connection.prepareStatement(INSERT_RESULT)) {
                boolean any = false;
                for (Callback callback : inOrderOfKeys(fresh)) {
                    for (Callback.Result result : callback.results()) {
                        write.setString(1, callback.provider());
                        write.setString(2, callback.taskId());
                        write.setBytes(3, Sha256.of(result.url()).bytes());
                        write.setString(4, result.kind());
                        write.setString(5, result.url());
                        write.setString(6, result.externalId());
                        write.setString(7, result.templateId());
                        write.setBoolean(8, result.flagged());
                        write.setObject(9, utc(callback.receivedAt()));
                        write.addBatch();
                        any = true;
                    }
                }
                if (any) {
                    write.executeBatch();
                }
            }
        }

        private void writeAlerts(Connection connection) throws SQLException {
            if (alerts.isEmpty()) {
                return;
            }
            // Groups wait for each other at what is told once a day; in the same order they don't deadlock.
            alerts.sort(Comparator.comparing(Alert::toldOnce, Comparator.nullsFirst(Comparator.naturalOrder())));
            try (PreparedStatement write = connection.prepareStatement(INSERT_ALERT)) {
                for (Alert alert : alerts) {
                    Callback callback = alert.callback();
                    write.setObject(1, callback.id());
                    write.setString(2, alert.kind());
                    write.setString(3, callback.provider());
                    write.setString(4, callback.taskId());
                    // What is told once a day is told again of a task that has not moved.
                    write.setObject(5, alert.toldOnce() == null ? alert.turn() : null);
                    write.setString(6, alert.toldOnce());
                    write.setObject(7, callback.id());
                    write.setString(8, alert.also());
                    write.setObject(9, utc(callback.receivedAt()));
                    write.addBatch();
                }
                write.executeBatch();
            }
            writeOtherAlerts(connection);
        }

        /** What an alert names beside its kind must not be lost because its kind was told before in this turn. */
        private void writeOtherAlerts(Connection connection) throws SQLException {
            List<Alert> naming =
                    alerts.stream().filter(alert -> alert.also() != null).toList();
            if (naming.isEmpty()) {
                return;
            }
            try (PreparedStatement write = connection.prepareStatement(INSERT_OTHER_ALERT)) {
                for (Alert alert : naming) {
                    Callback callback = alert.callback();
                    for (String kind : alert.also().split(",", -1)) {
                        write.setObject(1, UUID.randomUUID());
                        write.setString(2, kind);
                        write.setString(3, callback.provider());
                        write.setString(4, callback.taskId());
                        write.setInt(5, alert.turn());
                        write.setObject(6, callback.id());
                        write.setObject(7, utc(callback.receivedAt()));
                        write.setObject(8, callback.id());
                        write.setString(9, callback.provider());
                        write.setString(10, callback.taskId());
                        write.setInt(11, alert.turn());
                        write.setString(12, "%," + kind + ",%");
                        write.addBatch();
                    }
                }
                write.executeBatch();
            }
        }

        private static List<Callback> inOrderOfKeys(Collection<Callback> callbacks) {
            return callbacks.stream()
                    .sorted(Comparator.comparing(Callback::key))
                    .toList();
        }

        private static Task task(ResultSet row) throws SQLException {
            return new Task(
                    new TaskKey(row.getString("provider"), row.getString("task_id")),
                    row.getString("task_type"),
                    row.getString("business_id"),
                    row.getString("source_task_id"),
                    row.getString("regen_type"),
                    row.getString("status"),
                    Outcome.of(row.getString("outcome")),
                    row.getString("failure_reason"),
                    instant(row, "occurred_at"),
                    instant(row, "compared_at"),
                    instant(row, "first_received_at"),
                    instant(row, "last_callback_at"),
                    instant(row, "changed_at"),
                    instant(row, "outcome_since"),
                    row.getObject("applied_callback_id", UUID.class),
                    row.getInt("revision"));
        }

        private static Instant instant(ResultSet row, String column) throws SQLException {
            OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
            return time == null ? null : time.toInstant();
        }

        private static OffsetDateTime utc(Instant instant) {
            return instant == null ? null : instant.atOffset(ZoneOffset.UTC);
        }
    }
}
