package dev.callboard.event;

import dev.callboard.alert.AlertKind;
import dev.callboard.db.SqlFile;
import dev.callboard.db.SqlTimes;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/**
 * The statements of events, on a connection whose transaction belongs to the caller. Has no state.
 */
final class EventStore {
    /** How many rows a step of an unbounded change locks; the number is in {@code event.sql}. */
    static final int MAX_STEP = 1000;

    /** How long an event waits behind one of its task that is being attempted; it is due earlier once that is over. */
    private static final Duration BEHIND = Duration.ofSeconds(5);

    /** Beyond what there is room for, since some of the due ones are behind others. */
    private static final int MORE_TO_LOCK = 32;

    private static final SqlFile SQL = SqlFile.read("event");

    private static final String INSERT = SQL.statement("insert-event");
    private static final String SELECT_DUE = SQL.statement("select-due");
    private static final String LOCK_DUE = SQL.statement("lock-due");
    private static final String SELECT_PENDING = SQL.statement("select-pending");
    private static final String PUT_OFF = SQL.statement("put-off");
    private static final String LEASE = SQL.statement("lease");
    private static final String SELECT_LEASED = SQL.statement("select-leased");
    private static final String SELECT_DATA = SQL.statement("select-data");
    private static final String RENEW_LEASE = SQL.statement("renew-lease");
    private static final String MARK_DELIVERED = SQL.statement("mark-delivered");
    private static final String MARK_FAILED = SQL.statement("mark-failed");
    private static final String MARK_DEAD = SQL.statement("mark-dead");
    private static final String RELEASE = SQL.statement("release");
    private static final String MAKE_NEXT_DUE = SQL.statement("make-next-due");
    private static final String LOCK_WAITING = SQL.statement("lock-waiting");
    private static final String MAKE_DUE = SQL.statement("make-due");
    private static final String RELEASE_ALL = SQL.statement("release-all");
    private static final String LOCK_OVERDUE = SQL.statement("lock-overdue");
    private static final String MARK_OVERDUE = SQL.statement("mark-overdue");
    private static final String LOCK_EVENT = SQL.statement("lock-event");
    private static final String SELECT_REPLAYED = SQL.statement("select-replayed");
    private static final String LOCK_REPLAYED = SQL.statement("lock-replayed");
    private static final String MAKE_PENDING = SQL.statement("make-pending");
    private static final String COUNT_PENDING = SQL.statement("count-pending");
    private static final String LOCK_EXPIRED = SQL.statement("lock-expired");
    private static final String DELETE_EVENTS = SQL.statement("delete-events");
    private static final String RAISE_UNDELIVERED = SQL.statement("raise-undelivered");

    private EventStore() {}

    /** What tells the tasks of different providers apart. */
    record Task(String provider, String taskId) implements Comparable<Task> {
        private static final Comparator<Task> ORDER =
                Comparator.comparing(Task::taskId).thenComparing(Task::provider);

        @Override
        public int compareTo(Task other) {
            return ORDER.compare(this, other);
        }
    }

    /**
     * An event that this process may attempt.
     *
     * @param attempts how often it has been attempted before
     * @param data null if it is long; then {@link #data} reads it
     */
    record Leased(
            long position,
            UUID leaseId,
            UUID eventId,
            String type,
            Task task,
            int attempts,
            Instant createdAt,
            Instant pendingSince,
            String data) {}

    /**
     * What a search for due events found.
     *
     * @param events those that are leased
     * @param putOff how many were put off, so that more may be due behind them
     */
    record Lease(List<Leased> events, int putOff) {
        static final Lease NONE = new Lease(List.of(), 0);
    }

    /** What came of a lease. */
    enum Result {
        DELIVERED,
        FAILED,
        DEAD,
        /** It was not attempted. */
        RELEASED
    }

    /**
     * The end of a lease.
     *
     * @param error why it was not delivered; null if it was, or was not attempted
     * @param nextAttemptAt null if it is over
     */
    record Attempt(Leased event, Result result, String error, Instant nextAttemptAt) {}

    /** The oldest pending event of a task. */
    private record First(long position, Instant nextAttemptAt, boolean leased) {}

    static void insert(Connection connection, List<TaskEvent> events) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
            for (TaskEvent event : events) {
                insert.setObject(1, event.id());
                insert.setString(2, event.type());
                insert.setString(3, event.provider());
                insert.setString(4, event.taskId());
                insert.setString(5, Envelope.write(event));
                SqlTimes.set(insert, 6, event.createdAt());
                SqlTimes.set(insert, 7, event.createdAt());
                SqlTimes.set(insert, 8, event.createdAt());
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    /**
     * Leases events that are due, at most one of each task: its oldest. Puts those off that are behind it.
     *
     * @param max how many at most
     */
    static Lease lease(Connection connection, int max, Instant now, Instant until) throws SQLException {
        Map<Long, Task> due = lockDue(connection, max + MORE_TO_LOCK, now);
        if (due.isEmpty()) {
            return Lease.NONE;
        }
        Map<Task, First> firsts = firsts(connection, due.values());
        List<Long> leased = new ArrayList<>();
        Map<Long, Instant> putOff = new HashMap<>();
        due.forEach((position, task) -> {
            First first = firsts.get(task);
            if (first == null || first.position() == position) {
                if (leased.size() < max) {
                    leased.add(position);
                }
            } else {
                boolean later = !first.leased() && first.nextAttemptAt().isAfter(now);
                putOff.put(position, later ? first.nextAttemptAt() : now.plus(BEHIND));
            }
        });
        if (!putOff.isEmpty()) {
            try (PreparedStatement update = connection.prepareStatement(PUT_OFF)) {
                for (Map.Entry<Long, Instant> entry : putOff.entrySet()) {
                    SqlTimes.set(update, 1, entry.getValue());
                    update.setLong(2, entry.getKey());
                    update.addBatch();
                }
                update.executeBatch();
            }
        }
        return new Lease(leased.isEmpty() ? List.of() : lease(connection, leased, until), putOff.size());
    }

    /** In the order in which they are due. */
    private static Map<Long, Task> lockDue(Connection connection, int max, Instant now) throws SQLException {
        Map<Long, Task> due = new LinkedHashMap<>();
        List<Long> positions = positions(connection, SELECT_DUE, now, max);
        if (positions.isEmpty()) {
            return due;
        }
        try (PreparedStatement select = connection.prepareStatement(LOCK_DUE)) {
            select.setArray(1, array(connection, positions));
            SqlTimes.set(select, 2, now);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    due.put(row.getLong("position"), task(row));
                }
            }
        }
        return due;
    }

    /** The oldest pending event of each of these tasks, in the order of the tasks. */
    private static Map<Task, First> firsts(Connection connection, Collection<Task> tasks) throws SQLException {
        Map<Task, First> firsts = new TreeMap<>();
        try (PreparedStatement select = connection.prepareStatement(SELECT_PENDING)) {
            select.setArray(
                    1,
                    connection.createArrayOf(
                            "varchar",
                            tasks.stream().map(Task::taskId).distinct().toArray()));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    First event = new First(
                            row.getLong("position"),
                            SqlTimes.get(row, "next_attempt_at"),
                            row.getObject("lease_id") != null);
                    firsts.merge(task(row), event, (one, other) -> one.position() < other.position() ? one : other);
                }
            }
        }
        return firsts;
    }

    private static List<Leased> lease(Connection connection, List<Long> positions, Instant until) throws SQLException {
        UUID leaseId = UUID.randomUUID();
        Array array = array(connection, positions);
        try (PreparedStatement update = connection.prepareStatement(LEASE)) {
            SqlTimes.set(update, 1, until);
            update.setObject(2, leaseId);
            update.setArray(3, array);
            update.executeUpdate();
        }
        List<Leased> leased = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(SELECT_LEASED)) {
            select.setArray(1, array);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    leased.add(new Leased(
                            row.getLong("position"),
                            leaseId,
                            row.getObject("event_id", UUID.class),
                            row.getString("type"),
                            task(row),
                            row.getInt("attempts"),
                            SqlTimes.get(row, "created_at"),
                            SqlTimes.get(row, "pending_since"),
                            row.getString("data")));
                }
            }
        }
        return leased;
    }

    /** The JSON of an event; empty if it was deleted meanwhile. */
    static Optional<String> data(Connection connection, long position) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(SELECT_DATA)) {
            select.setLong(1, position);
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? Optional.of(row.getString("data")) : Optional.empty();
            }
        }
    }

    static void renew(Connection connection, List<Leased> events, Instant until) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(RENEW_LEASE)) {
            for (Leased event : events) {
                SqlTimes.set(update, 1, until);
                update.setLong(2, event.position());
                update.setObject(3, event.leaseId());
                update.addBatch();
            }
            update.executeBatch();
        }
    }

    /**
     * Records what came of leases, and makes the next event of each task due whose event is over.
     *
     * @return how many leases had expired, so that other processes may have attempted their events too
     */
    static int mark(Connection connection, List<Attempt> attempts, Instant now) throws SQLException {
        int lost = 0;
        Set<Task> over = new TreeSet<>();
        try (PreparedStatement delivered = connection.prepareStatement(MARK_DELIVERED);
                PreparedStatement failed = connection.prepareStatement(MARK_FAILED);
                PreparedStatement dead = connection.prepareStatement(MARK_DEAD);
                PreparedStatement released = connection.prepareStatement(RELEASE)) {
            for (Attempt attempt : attempts) {
                switch (attempt.result()) {
                    case DELIVERED -> {
                        SqlTimes.set(delivered, 1, now);
                        addLease(delivered, 2, attempt);
                        over.add(attempt.event().task());
                    }
                    case FAILED -> {
                        SqlTimes.set(failed, 1, attempt.nextAttemptAt());
                        failed.setString(2, attempt.error());
                        addLease(failed, 3, attempt);
                    }
                    case DEAD -> {
                        SqlTimes.set(dead, 1, now);
                        dead.setString(2, attempt.error());
                        addLease(dead, 3, attempt);
                        over.add(attempt.event().task());
                    }
                    case RELEASED -> {
                        SqlTimes.set(released, 1, attempt.nextAttemptAt());
                        addLease(released, 2, attempt);
                    }
                }
            }
            for (PreparedStatement update : List.of(delivered, failed, dead, released)) {
                for (int count : update.executeBatch()) {
                    lost += count == 0 ? 1 : 0;
                }
            }
        }
        if (!over.isEmpty()) {
            makeNextDue(connection, over, now);
        }
        return lost;
    }

    private static void addLease(PreparedStatement update, int index, Attempt attempt) throws SQLException {
        update.setLong(index, attempt.event().position());
        update.setObject(index + 1, attempt.event().leaseId());
        update.addBatch();
    }

    /** In the order of the tasks, since this waits for other transactions. */
    private static void makeNextDue(Connection connection, Set<Task> tasks, Instant now) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(MAKE_NEXT_DUE)) {
            for (Map.Entry<Task, First> next : firsts(connection, tasks).entrySet()) {
                if (tasks.contains(next.getKey())
                        && next.getValue().nextAttemptAt().isAfter(now)) {
                    SqlTimes.set(update, 1, now);
                    update.setLong(2, next.getValue().position());
                    SqlTimes.set(update, 3, now);
                    update.addBatch();
                }
            }
            update.executeBatch();
        }
    }

    /** Makes some of the events due that wait for a later attempt; returns how many. */
    static int makeDue(Connection connection, Instant now) throws SQLException {
        List<Long> waiting = positions(connection, LOCK_WAITING, now);
        update(connection, MAKE_DUE, waiting, now);
        return waiting.size();
    }

    /** Ends all leases, of which another process can have none. */
    static void releaseAll(Connection connection, Instant now) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(RELEASE_ALL)) {
            SqlTimes.set(update, 1, now);
            SqlTimes.set(update, 2, Instant.EPOCH);
            update.executeUpdate();
        }
    }

    /** Gives up some of the events that have waited since before a time; returns how many. */
    static int giveUp(Connection connection, Instant pendingBefore, String error, Instant now) throws SQLException {
        List<Long> overdue = positions(connection, LOCK_OVERDUE, pendingBefore);
        update(connection, MARK_OVERDUE, overdue, now, error);
        return overdue.size();
    }

    /**
     * Makes one event pending and due. One that is being attempted stays so.
     *
     * @return whether there is such an event
     */
    static boolean retry(Connection connection, UUID eventId, Instant now) throws SQLException {
        long position;
        boolean leased;
        try (PreparedStatement select = connection.prepareStatement(LOCK_EVENT)) {
            select.setObject(1, eventId);
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    return false;
                }
                position = row.getLong("position");
                leased = row.getObject("lease_id") != null;
            }
        }
        if (!leased) {
            update(connection, MAKE_PENDING, List.of(position), now, now);
        }
        return true;
    }

    /**
     * Makes some of the events pending and due that are over and were created since a time.
     *
     * @param after the position behind which they are
     * @param changed takes the positions of those that were changed; one that another transaction holds is left out
     * @return the positions of this step, which is the last one if there are none
     */
    static List<Long> replay(Connection connection, long after, Instant since, Instant now, List<Long> changed)
            throws SQLException {
        List<Long> positions = positions(connection, SELECT_REPLAYED, after, since);
        if (!positions.isEmpty()) {
            changed.addAll(positions(connection, LOCK_REPLAYED, array(connection, positions)));
            update(connection, MAKE_PENDING, changed, now, now);
        }
        return positions;
    }

    /**
     * How many events are pending.
     *
     * @param oldest when the oldest was created; null if there is none
     */
    record Pending(long count, Instant oldest) {}

    static Pending countPending(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(COUNT_PENDING);
                ResultSet row = select.executeQuery()) {
            row.next();
            return new Pending(row.getLong("pending"), SqlTimes.get(row, "oldest"));
        }
    }

    /** Deletes some of the events that are over since before a time; returns how many. */
    static int delete(Connection connection, String state, Instant endedBefore) throws SQLException {
        List<Long> expired = positions(connection, LOCK_EXPIRED, state, endedBefore);
        update(connection, DELETE_EVENTS, expired);
        return expired.size();
    }

    /** Raises the alert that events are not delivered to a receiver, once a day. */
    static void raiseUndelivered(Connection connection, String provider, String about, String detail, Instant now)
            throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(RAISE_UNDELIVERED)) {
            insert.setObject(1, UUID.randomUUID());
            insert.setString(2, provider);
            insert.setString(3, AlertKind.UNDELIVERED.dedupKey(about, now).orElseThrow());
            insert.setString(4, detail);
            SqlTimes.set(insert, 5, now);
            insert.executeUpdate();
        }
    }

    private static List<Long> positions(Connection connection, String sql, Object... values) throws SQLException {
        List<Long> positions = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(sql)) {
            set(select, values);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    positions.add(row.getLong("position"));
                }
            }
        }
        return positions;
    }

    /** Executes a statement for events, if there are any; their positions come after the values. */
    private static void update(Connection connection, String sql, List<Long> positions, Object... values)
            throws SQLException {
        if (positions.isEmpty()) {
            return;
        }
        try (PreparedStatement update = connection.prepareStatement(sql)) {
            set(update, values);
            update.setArray(values.length + 1, array(connection, positions));
            update.executeUpdate();
        }
    }

    private static void set(PreparedStatement statement, Object... values) throws SQLException {
        for (int i = 0; i < values.length; i++) {
            if (values[i] instanceof Instant time) {
                SqlTimes.set(statement, i + 1, time);
            } else {
                statement.setObject(i + 1, values[i]);
            }
        }
    }

    private static Array array(Connection connection, List<Long> positions) throws SQLException {
        return connection.createArrayOf("bigint", positions.toArray());
    }

    private static Task task(ResultSet row) throws SQLException {
        return new Task(row.getString("provider"), row.getString("task_id"));
    }
}
