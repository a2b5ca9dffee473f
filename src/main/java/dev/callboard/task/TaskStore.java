package dev.callboard.task;

import dev.callboard.db.Database;
import dev.callboard.db.SqlErrors;
import dev.callboard.db.Transaction;
import dev.callboard.event.EventLog;
import dev.callboard.text.Sha256;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Records groups of callbacks. A group is any number of callbacks of any tasks that share one transaction and one sync of
 * the disk; {@link GroupCommit} forms them. A group is recorded as a whole or not at all.
 *
 * <p>This class owns the transaction, its steps with their lock order, and its retries. {@link GroupChanges} decides what
 * the callbacks change, {@link TaskTables} has the statements. Safe for use by any number of threads, and by several
 * processes on one PostgreSQL.
 */
public final class TaskStore {
    /**
     * How often a group is attempted when it loses races. Whenever it loses one, another transaction has committed, so
     * this many losses in a row mean that something else is wrong.
     */
    private static final int MAX_ATTEMPTS = 20;

    /** For how long the last attempt says whether the database can be written. */
    private static final long RECENT_NANOS = Duration.ofSeconds(5).toNanos();

    private static final int PROBE_TIMEOUT_MS = 5_000;

    /** No provider has this name, and no other transaction sees the rows. */
    private static final String PROBE = "(probe)";

    /** @param error why the database did not commit; null if it did */
    private record Attempt(long at, SQLException error) {}

    private final Database database;
    private final Deadlines deadlines;
    private final EventLog eventLog;
    private final Lock probing = new ReentrantLock();
    private volatile Attempt last;

    /** A store for which nobody listens to changes. */
    public TaskStore(Database database, Deadlines deadlines) {
        this(database, deadlines, EventLog.OFF);
    }

    /** @param eventLog takes the changes that listeners are told, in the transaction that makes them */
    public TaskStore(Database database, Deadlines deadlines, EventLog eventLog) {
        this.database = database;
        this.deadlines = deadlines;
        this.eventLog = eventLog;
    }

    /**
     * Records callbacks in one transaction, as if one after the other in the order given. Returns when they survive the
     * loss of the process and of power.
     *
     * @return the result of each, in the same order
     * @throws NotRecordedException if the database did not commit; nothing of the group is stored, unless only the
     *     response to the commit was lost, in which case recording it again finds duplicates
     * @throws RejectedByDatabaseException if the database rejects the content of one of them; nothing of the group is
     *     stored
     */
    public List<RecordResult> recordGroup(List<Callback> group)
            throws NotRecordedException, RejectedByDatabaseException {
        if (group.isEmpty()) {
            return List.of();
        }
        for (int attempt = 1; ; attempt++) {
            try {
                return attempt(connection -> transact(connection, group));
            } catch (SQLException e) {
                if (!SqlErrors.isRace(e) || attempt == MAX_ATTEMPTS) {
                    throw failure(e);
                }
                pause(attempt);
            }
        }
    }

    /**
     * Returns if callbacks can be recorded now: the last group was committed a moment ago, or else a probe writes the same
     * tables durably. Leaves nothing in them.
     *
     * @throws SQLException why the database does not commit; the error of a group that failed a moment ago, too
     */
    public void checkWritable() throws SQLException {
        if (isUnknown()) {
            probeOnce();
        }
        SQLException error = last.error();
        if (error != null) {
            throw error;
        }
    }

    private boolean isUnknown() {
        Attempt now = last;
        return now == null || System.nanoTime() - now.at() > RECENT_NANOS;
    }

    private void probeOnce() throws SQLException {
        try {
            if (!probing.tryLock(PROBE_TIMEOUT_MS, TimeUnit.MILLISECONDS)) {
                throw new SQLTimeoutException("a probe is under way", "HYT00");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLTimeoutException("interrupted", "HYT00");
        }
        try {
            if (isUnknown()) {
                attempt(this::probe);
            }
        } finally {
            probing.unlock();
        }
    }

    private Boolean probe(Connection connection) throws SQLException {
        connection.setNetworkTimeout(Runnable::run, PROBE_TIMEOUT_MS);
        Callback callback = probe();
        Transaction.run(connection, c -> {
            TaskTables tables = new TaskTables(c);
            new GroupTransaction(List.of(callback), EventLog.OFF).record(tables);
            tables.deleteProbe(callback.key());
            return true;
        });
        database.sync(connection);
        return true;
    }

    private static Callback probe() {
        Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
        UUID id = UUID.randomUUID();
        return new Callback(
                id,
                PROBE,
                id.toString(),
                PROBE,
                Outcome.COMPLETED,
                List.of(),
                null,
                null,
                null,
                null,
                null,
                null,
                Map.of(),
                null,
                List.of(),
                "{}",
                Sha256.of("{}"),
                null,
                Origin.CALLBACK,
                now,
                now);
    }

    /** Runs a transaction, and notes whether the database can be written. */
    private <T> T attempt(Transaction.Work<T> work) throws SQLException {
        try (Connection connection = database.recording().getConnection()) {
            try {
                T result = work.run(connection);
                last = new Attempt(System.nanoTime(), null);
                return result;
            } catch (SQLException e) {
                if (SqlErrors.isConnectionSuspect(e)) {
                    database.discard(connection);
                }
                throw e;
            }
        } catch (SQLException e) {
            // An error of one callback or one lock says nothing about the others.
            if (SqlErrors.isConnectionSuspect(e)) {
                last = new Attempt(System.nanoTime(), e);
            }
            throw e;
        }
    }

    private List<RecordResult> transact(Connection connection, List<Callback> group) throws SQLException {
        GroupTransaction transaction = new GroupTransaction(group, eventLog);
        List<RecordResult> results = Transaction.run(connection, c -> transaction.record(new TaskTables(c)));
        database.sync(connection);
        if (transaction.hasEvents()) {
            eventLog.committed();
        }
        return results;
    }

    /** The exception for an error that remains after the last attempt. A lost race is not an error of the content. */
    private static NotRecordedException failure(SQLException e) throws RejectedByDatabaseException {
        if (SqlErrors.isContentError(e) && !SqlErrors.isRace(e)) {
            throw new RejectedByDatabaseException("the database rejects it (" + SqlErrors.describe(e) + ")", e);
        }
        return new NotRecordedException(
                "the database did not commit (" + SqlErrors.describe(e) + ")", e, SqlErrors.isLockTimeout(e));
    }

    private static void pause(int attempt) throws NotRecordedException {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(1, 10L * attempt));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NotRecordedException("interrupted", e);
        }
    }

    /**
     * The steps of one group's transaction. Used once, by one thread.
     *
     * <ol>
     *   <li>Look, without locking, which of the group's tasks exist. Only then is it known which rows to insert and which to
     *       lock.
     *   <li>Decide and insert the tasks that do not exist, in the order of their keys.
     *   <li>Lock the others, in the order of their keys, and read their state together with what is stored of the
     *     group's bodies. From here on no other transaction can change them.
     *   <li>Decide and update those.
     *   <li>Note which tasks are open, and insert the callbacks, the results, the alerts and the events.
     * </ol>
     *
     * <p>Inserts come before locks because an insert waits for another transaction that has inserted the same key: while this
     * one waits there, it holds no row that the other could still have to lock. Within each step all transactions take the
     * same order. So two processes do not deadlock. Races remain: a task that did not exist may be inserted by another
     * transaction (the insert fails with a unique violation), and one that existed may be deleted by the retention (no row is
     * locked). Either way the group is rolled back and attempted again.
     */
    private final class GroupTransaction {
        private final List<Callback> callbacks;
        private final EventLog events;
        private final GroupChanges changes;

        GroupTransaction(List<Callback> callbacks, EventLog events) {
            this.callbacks = callbacks;
            this.events = events;
            this.changes = new GroupChanges(events.isOn());
        }

        /** Writes everything but does not commit; returns the result of each callback, in the order given. */
        List<RecordResult> record(TaskTables tables) throws SQLException {
            RecordResult[] results = new RecordResult[callbacks.size()];
            NavigableMap<TaskKey, Instant> lastArrivals = lastArrivals();
            NavigableSet<TaskKey> existing = tables.findExisting(lastArrivals.keySet());

            decide(key -> !existing.contains(key), results);
            tables.insertTasks(changes.appliedTasks(), lastArrivals);

            if (!existing.isEmpty()) {
                tables.lock(existing, lastArrivals);
                tables.readTasks(existing).forEach(changes::load);
                List<Callback> callbacksOfExisting = callbacksOf(existing);
                tables.readOccurrences(callbacksOfExisting).forEach(changes::load);
                tables.readFiles(changes.withFilesToLoad(callbacksOfExisting)).forEach(changes::load);
                decide(existing::contains, results);
                tables.updateTasks(changes.appliedTasks(existing));
            }

            noteOpenTasks(tables, existing);
            List<GroupChanges.NewCallback> newCallbacks = changes.newCallbacks();
            tables.insertCallbacks(newCallbacks);
            tables.insertResults(newCallbacks);
            tables.insertAlerts(changes.alerts());
            tables.insertEvents(events, changes.events());
            return List.of(results);
        }

        /** Whether it has inserted events. */
        boolean hasEvents() {
            return !changes.events().isEmpty();
        }

        private void noteOpenTasks(TaskTables tables, Set<TaskKey> existing) throws SQLException {
            Map<Boolean, List<Task>> byOpen =
                    changes.tasksToNote().stream().collect(Collectors.partitioningBy(changes::isOpen));
            // A task that was over may have a row, while its provider is asked about a callback that was not recorded.
            tables.deleteOpenTasks(
                    byOpen.get(true).stream().filter(changes::isReopened).toList());
            tables.insertOpenTasks(
                    byOpen.get(true).stream().map(deadlines::opening).toList());
            tables.updateOpenTasks(only(existing, byOpen.get(true)).stream()
                    .filter(changes::isHeard)
                    .collect(Collectors.toMap(Task::key, deadlines::firstLookup)));
            tables.deleteOpenTasks(only(existing, byOpen.get(false)));
        }

        private static List<Task> only(Set<TaskKey> keys, List<Task> tasks) {
            return tasks.stream().filter(task -> keys.contains(task.key())).toList();
        }

        /** When the latest callback of each task arrived; long ago for one that was only looked up. */
        private NavigableMap<TaskKey, Instant> lastArrivals() {
            NavigableMap<TaskKey, Instant> arrivals = new TreeMap<>();
            for (Callback callback : callbacks) {
                Instant arrival = callback.origin() == Origin.LOOKUP ? Instant.EPOCH : callback.receivedAt();
                arrivals.merge(callback.key(), arrival, (one, other) -> one.isAfter(other) ? one : other);
            }
            return arrivals;
        }

        private List<Callback> callbacksOf(Set<TaskKey> keys) {
            return callbacks.stream()
                    .filter(callback -> keys.contains(callback.key()))
                    .toList();
        }

        private void decide(Predicate<TaskKey> which, RecordResult[] results) {
            for (int i = 0; i < results.length; i++) {
                Callback callback = callbacks.get(i);
                if (which.test(callback.key())) {
                    results[i] = changes.add(callback);
                }
            }
        }
    }
}
