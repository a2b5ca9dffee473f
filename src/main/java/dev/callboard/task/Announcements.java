package dev.callboard.task;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.NoArgGenerator;
import dev.callboard.db.Database;
import dev.callboard.db.SqlErrors;
import dev.callboard.db.Transaction;
import dev.callboard.text.SafeText;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/**
 * Announces tasks: a task that does not exist is created with the outcome {@link Outcome#EXPECTED}; one that exists gets what
 * it lacks, and keeps its outcome and its times. Announcing a task again changes nothing. Safe for use by any number of
 * threads, and by several processes on one PostgreSQL.
 */
public final class Announcements {
    /** How many announcements share a transaction. */
    static final int MAX_CHUNK = 250;

    /** How often a chunk is attempted when it loses races, as in {@link TaskStore}. */
    private static final int MAX_ATTEMPTS = 20;

    private static final int MAX_BUSINESS_ID = 200;

    /** How long a chunk waits for others of this process. */
    private static final int TURN_TIMEOUT_MS = 5_000;

    /** UUIDs that begin with the time, so that new rows go to the end of the index. */
    private final NoArgGenerator ids = Generators.timeBasedEpochGenerator();

    private final Database database;
    private final Deadlines deadlines;
    private final Clock clock;

    /** One chunk at a time, so that they neither wait for each other's locks nor take all connections of look-ups. */
    private final Lock turn = new ReentrantLock(true);

    public Announcements(Database database, Deadlines deadlines, Clock clock) {
        this.database = database;
        this.deadlines = deadlines;
        this.clock = clock;
    }

    /** How many announcements created their task, and of how many the task existed. */
    record Counts(int created, int existed) {
        static final Counts NONE = new Counts(0, 0);

        Counts plus(Counts other) {
            return new Counts(created + other.created, existed + other.existed);
        }
    }

    /**
     * Announces tasks for a request on the management port. Returns when they survive the loss of the process and of power.
     *
     * @throws SQLException if the database did not commit; those of the first chunks may be announced
     */
    Counts announce(List<Announcement> announcements) throws SQLException {
        return announce(announcements, database.lookups());
    }

    /**
     * A task of which a callback arrived that was not recorded.
     *
     * @param taskId one that a callback can have
     * @param businessId may be null
     * @param family may be null
     */
    public record Heard(String provider, String taskId, String businessId, String family) {}

    /**
     * Has tasks looked up at their provider at once: one that does not exist is announced, one that is over stays as it is.
     * Returns when that survives the loss of the process and of power.
     *
     * @throws SQLException if the database did not commit; the call can be repeated
     */
    public void lookUpSoon(Collection<Heard> tasks) throws SQLException {
        announce(tasks.stream().map(Announcements::lookUpNow).toList(), database.dataSource());
    }

    private static Announcement lookUpNow(Heard task) {
        String family = task.family() != null && AnnouncementReader.isFamily(task.family()) ? task.family() : null;
        return new Announcement(
                new TaskKey(task.provider(), task.taskId()),
                null,
                family,
                SafeText.field(task.businessId(), MAX_BUSINESS_ID),
                null,
                null,
                null,
                true);
    }

    private Counts announce(List<Announcement> announcements, DataSource connections) throws SQLException {
        Counts counts = Counts.NONE;
        for (int from = 0; from < announcements.size(); from += MAX_CHUNK) {
            List<Announcement> chunk = announcements.subList(from, Math.min(announcements.size(), from + MAX_CHUNK));
            counts = counts.plus(announceChunk(chunk, connections));
        }
        return counts;
    }

    private Counts announceChunk(List<Announcement> chunk, DataSource connections) throws SQLException {
        takeTurn();
        try {
            return attemptChunk(chunk, connections);
        } finally {
            turn.unlock();
        }
    }

    private void takeTurn() throws SQLException {
        try {
            if (!turn.tryLock(TURN_TIMEOUT_MS, TimeUnit.MILLISECONDS)) {
                throw new SQLTimeoutException("other announcements are under way", "HYT00");
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static SQLException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new SQLTimeoutException("interrupted", "HYT00", e);
    }

    private Counts attemptChunk(List<Announcement> chunk, DataSource connections) throws SQLException {
        for (int attempt = 1; ; attempt++) {
            try (Connection connection = connections.getConnection()) {
                Counts counts = Transaction.run(connection, c -> new ChunkTransaction(chunk, c).announce());
                database.sync(connection);
                return counts;
            } catch (SQLException e) {
                if (!SqlErrors.isRace(e) || attempt == MAX_ATTEMPTS) {
                    throw e;
                }
            }
            pause(attempt);
        }
    }

    private static void pause(int attempt) throws SQLException {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(1, 10L * attempt));
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /**
     * The steps of one chunk's transaction, in the order of {@link TaskStore}'s, so that neither waits for the other in a
     * circle: insert the tasks that do not exist, lock the others, both in the order of their keys; then write the rows that
     * belong to them. Used once, by one thread.
     */
    private final class ChunkTransaction {
        private final NavigableMap<TaskKey, List<Announcement>> announcements;
        private final int size;
        private final TaskTables tasks;
        private final AnnouncementTables tables;
        private final Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);

        ChunkTransaction(List<Announcement> chunk, Connection connection) {
            this.announcements =
                    chunk.stream().collect(Collectors.groupingBy(Announcement::key, TreeMap::new, Collectors.toList()));
            this.size = chunk.size();
            this.tasks = new TaskTables(connection);
            this.tables = new AnnouncementTables(connection);
        }

        /** Writes everything but does not commit. */
        Counts announce() throws SQLException {
            NavigableSet<TaskKey> existing = tasks.findExisting(announcements.keySet());
            NavigableMap<TaskKey, Task> announced = new TreeMap<>();
            announcements.forEach((key, all) -> {
                if (!existing.contains(key)) {
                    announced.put(key, fillIn(Task.of(all.get(0), ids.generate(), now), all));
                }
            });
            int created = announced.size();
            tasks.insertTasks(announced.values(), times(announced.keySet(), now));
            List<Task> changed = new ArrayList<>(announced.values().stream()
                    .filter(task -> task.expects() != null || task.overdueAfter() != null)
                    .toList());
            if (!existing.isEmpty()) {
                // The time of the last callback stays: none is earlier.
                tasks.lock(existing, times(existing, Instant.EPOCH));
                for (Task before : tasks.readTasks(existing)) {
                    Task after = fillIn(before, announcements.get(before.key()));
                    announced.put(after.key(), after);
                    if (!after.equals(before)) {
                        changed.add(after);
                    }
                }
            }
            tables.fillIn(changed);
            noteOpenTasks(announced, existing);
            return new Counts(created, size - created);
        }

        private static Task fillIn(Task task, List<Announcement> all) {
            Task filled = task;
            for (Announcement announcement : all) {
                filled = filled.fillIn(announcement);
            }
            return filled;
        }

        private static Map<TaskKey, Instant> times(Set<TaskKey> keys, Instant time) {
            return keys.stream().collect(Collectors.toMap(Function.identity(), key -> time));
        }

        private void noteOpenTasks(NavigableMap<TaskKey, Task> announced, Set<TaskKey> existing) throws SQLException {
            Map<TaskKey, Set<String>> kinds = kindsOfFiles(announced.values());
            Predicate<Task> isOpen = task -> task.isOpen(kinds.getOrDefault(task.key(), Set.of()));
            List<Task> open = announced.values().stream()
                    // One that is over is asked about too: the callback that was not recorded may have gone on from
                    // there.
                    .filter(task -> isOpen.test(task) || any(task.key(), Announcement::lookUpNow))
                    .toList();
            tasks.insertOpenTasks(
                    open.stream().map(task -> opening(task, isOpen.test(task))).toList());

            List<TaskKey> openBefore =
                    open.stream().map(Task::key).filter(existing::contains).toList();
            tasks.updateOpenTasks(openBefore.stream()
                    .filter(key -> any(key, Announcement::lookUpNow))
                    .collect(Collectors.toMap(Function.identity(), key -> now)));
            Set<TaskKey> toMove = openBefore.stream()
                    .filter(key -> any(key, announcement -> announcement.overdueAfter() != null))
                    .collect(Collectors.toSet());
            NavigableMap<TaskKey, Instant> overdueAt = new TreeMap<>();
            tables.readOpenings(toMove)
                    .forEach((key, openedAt) -> overdueAt.put(key, deadlines.overdue(announced.get(key), openedAt)));
            tables.moveOverdue(overdueAt);
        }

        /** Of the tasks that their files decide about. */
        private Map<TaskKey, Set<String>> kindsOfFiles(Collection<Task> announced) throws SQLException {
            Set<TaskKey> decidedByFiles = announced.stream()
                    .filter(task -> task.outcome() == Outcome.COMPLETED && task.expects() != null)
                    .map(Task::key)
                    .collect(Collectors.toSet());
            Map<TaskKey, Set<String>> kinds = new HashMap<>();
            for (TaskTables.StoredFile file : tasks.readFiles(decidedByFiles)) {
                kinds.computeIfAbsent(file.task(), key -> new HashSet<>()).add(file.kind());
            }
            return kinds;
        }

        private TaskTables.Opening opening(Task task, boolean isOpen) {
            return new TaskTables.Opening(
                    task.key(),
                    now,
                    any(task.key(), Announcement::lookUpNow) ? now : deadlines.firstLookup(task, now),
                    isOpen ? deadlines.overdue(task, now) : null);
        }

        private boolean any(TaskKey key, Predicate<Announcement> condition) {
            return announcements.get(key).stream().anyMatch(condition);
        }
    }
}
