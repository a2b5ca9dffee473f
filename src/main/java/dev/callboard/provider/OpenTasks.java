package dev.callboard.provider;

import dev.callboard.db.Database;
import dev.callboard.db.SqlFile;
import dev.callboard.db.SqlTimes;
import dev.callboard.text.SafeText;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/**
 * The table {@code open_task} as the look-ups see it: leases, answers, schedules, and the alerts about it. Several
 * processes may share one database; a lease keeps them from asking about one task at the same time. Safe for use by any
 * number of threads.
 */
final class OpenTasks {
    /** How many tasks a transaction changes. */
    static final int MAX_STEP = 500;

    private static final int MAX_ANSWER = 500;
    private static final int MAX_DETAIL = 4000;

    private static final SqlFile SQL = SqlFile.read("reconcile");

    private static final String LOCK_DUE = SQL.statement("lock-due");
    private static final String LOCK_NOT_DUE = SQL.statement("lock-not-due");
    private static final String LOCK_OVERDUE_NOT_ASKED = SQL.statement("lock-overdue-not-asked");
    private static final String LOCK_OVERDUE = SQL.statement("lock-overdue");
    private static final String LOCK_LEASED = SQL.statement("lock-leased");
    private static final String SELECT_OPEN_TASKS = SQL.statement("select-open-tasks");
    private static final String SELECT_TASK = SQL.statement("select-task");
    private static final String COUNT = SQL.statement("count-open-tasks");
    private static final String MAKE_DUE = SQL.statement("make-due");
    private static final String LEASE = SQL.statement("lease");
    private static final String RELEASE = SQL.statement("release");
    private static final String RELEASE_ALL = SQL.statement("release-all");
    private static final String NOTE_ANSWER = SQL.statement("note-answer");
    private static final String DELETE_FINISHED = SQL.statement("delete-finished");
    private static final String RAISE_OVERDUE = SQL.statement("raise-overdue");
    private static final String MARK_TOLD = SQL.statement("mark-told");
    private static final String RAISE_REFUSED = SQL.statement("raise-refused");

    private final Database database;

    OpenTasks(Database database) {
        this.database = database;
    }

    /**
     * A task that is open.
     *
     * @param family the family of its provider that it belongs to; null if it is not known
     * @param lookups how often it was looked up since the provider was heard last
     * @param lastLookupAt null if it was never looked up
     * @param lastAnswer what came of that; null if it was never looked up
     * @param overdueAt when the alert that it is overdue is raised; null once it is
     */
    record OpenTask(
            String taskId,
            String family,
            Instant openedAt,
            int lookups,
            Instant lastLookupAt,
            String lastAnswer,
            Instant overdueAt) {

        /** Whether it was looked up since it is overdue. */
        boolean isAskedSinceOverdue() {
            return lastLookupAt != null && !lastLookupAt.isBefore(overdueAt);
        }
    }

    /** Tasks that this process may look up until the lease expires. */
    record Lease(UUID id, Instant beganAt, List<OpenTask> tasks) {}

    /** Where a task stands. */
    record Standing(String taskId, String family, Map<String, Object> fields) {}

    /** Leases tasks that are due, those that have waited longest first. */
    Lease lease(String provider, Instant now, Instant until, int max) throws SQLException {
        UUID id = UUID.randomUUID();
        return database.transact(connection -> {
            List<String> due = lock(connection, LOCK_DUE, provider, max, now, now);
            update(connection, LEASE, provider, due, taskId -> new Object[] {id, until});
            return new Lease(id, now, read(connection, provider, due));
        });
    }

    /** Gives tasks of a lease back; they stay due. */
    void release(String provider, Lease lease, Collection<String> taskIds) throws SQLException {
        database.transact(connection -> {
            List<String> left = lockLeased(connection, provider, lease, taskIds);
            update(connection, RELEASE, provider, left, taskId -> new Object[0]);
            return left;
        });
    }

    /**
     * Ends the leases of the process before, at the start: on H2, whose file one process holds alone. On PostgreSQL they may
     * be those of another process, and expire.
     */
    void endForeignLeases(String provider) throws SQLException {
        if (database.isH2()) {
            database.run(connection -> {
                try (PreparedStatement update = connection.prepareStatement(RELEASE_ALL)) {
                    update.setString(1, provider);
                    return update.executeUpdate();
                }
            });
        }
    }

    /**
     * What came of looking a task up.
     *
     * @param answered whether the provider said something, be it that it does not know the task
     * @param next when it is looked up again; empty if it is given up
     */
    record Noted(String answer, boolean answered, Optional<Instant> next) {}

    /** Notes answers about tasks of a lease, and ends the lease for them. */
    void note(String provider, Lease lease, Map<String, Noted> answers, Instant now) throws SQLException {
        database.transact(connection -> {
            List<String> left = lockLeased(connection, provider, lease, answers.keySet());
            List<String> answered =
                    left.stream().filter(id -> answers.get(id).answered()).toList();
            update(connection, DELETE_FINISHED, provider, answered, id -> new Object[] {lease.beganAt()});
            update(connection, NOTE_ANSWER, provider, left, id -> new Object[] {
                now,
                answer(answers.get(id).answer()),
                lease.beganAt(),
                lease.beganAt(),
                answers.get(id).next().orElse(null)
            });
            return left;
        });
    }

    private static String answer(String text) {
        return SafeText.storable(text, MAX_ANSWER);
    }

    /**
     * Makes open tasks due that are not, and of which nothing was asked since a time: as at a start, when callbacks may
     * have been lost.
     *
     * @param at the time of each by its place, so that not all are due at once
     * @return how many there were
     */
    int makeDue(String provider, Instant notAskedSince, Function<Integer, Instant> at) throws SQLException {
        int all = 0;
        for (int step = MAX_STEP; step == MAX_STEP; all += step) {
            int first = all;
            // The latest time that one of this step gets: what is due before it is left as it is.
            Instant latest = at.apply(first + MAX_STEP);
            step = database.transact(connection -> {
                List<String> found = lock(connection, LOCK_NOT_DUE, provider, MAX_STEP, latest, notAskedSince);
                Map<String, Integer> places = new LinkedHashMap<>();
                found.forEach(id -> places.put(id, first + places.size()));
                update(connection, MAKE_DUE, provider, found, id -> new Object[] {at.apply(places.get(id))});
                return found.size();
            });
        }
        return all;
    }

    /** Has overdue tasks looked up, before their alert is raised. */
    void askAboutOverdue(String provider, Instant now) throws SQLException {
        database.transact(connection -> {
            List<String> found = lock(connection, LOCK_OVERDUE_NOT_ASKED, provider, MAX_STEP, now, now);
            update(connection, MAKE_DUE, provider, found, id -> new Object[] {now});
            return found.size();
        });
    }

    /**
     * Raises the alert about each overdue task, once.
     *
     * @param unaskedBefore tasks that were overdue then already are told without having been asked about since
     * @param detail what the mail says of a task
     * @return how many there were
     */
    int raiseOverdue(String provider, Instant now, Instant unaskedBefore, Function<OpenTask, String> detail)
            throws SQLException {
        return database.transact(connection -> {
            List<String> found = lock(connection, LOCK_OVERDUE, provider, MAX_STEP, now, unaskedBefore);
            try (PreparedStatement insert = connection.prepareStatement(RAISE_OVERDUE)) {
                for (OpenTask task : read(connection, provider, found)) {
                    insert.setObject(1, UUID.randomUUID());
                    insert.setString(2, provider);
                    insert.setString(3, task.taskId());
                    insert.setString(4, SafeText.storable(detail.apply(task), MAX_DETAIL));
                    SqlTimes.set(insert, 5, now.truncatedTo(ChronoUnit.MICROS));
                    insert.addBatch();
                }
                insert.executeBatch();
            }
            update(connection, MARK_TOLD, provider, found, id -> new Object[0]);
            return found.size();
        });
    }

    /** Raises the alert that a provider refuses the key, once a day. */
    void raiseRefused(String provider, String detail, Instant now) throws SQLException {
        database.run(connection -> {
            try (PreparedStatement insert = connection.prepareStatement(RAISE_REFUSED)) {
                insert.setObject(1, UUID.randomUUID());
                insert.setString(2, provider);
                insert.setString(3, "lookup_refused " + provider + " " + now.truncatedTo(ChronoUnit.DAYS));
                insert.setString(4, SafeText.storable(detail, MAX_DETAIL));
                SqlTimes.set(insert, 5, now.truncatedTo(ChronoUnit.MICROS));
                return insert.executeUpdate();
            }
        });
    }

    /**
     * How many tasks of a provider are open.
     *
     * @param oldest since when the oldest is that is not given up; null if all are
     */
    record Count(long tasks, Instant oldest) {}

    /** The open tasks of each provider that has some. */
    Map<String, Count> count() throws SQLException {
        return database.run(connection -> {
            try (PreparedStatement select = connection.prepareStatement(COUNT);
                    ResultSet row = select.executeQuery()) {
                Map<String, Count> counts = new LinkedHashMap<>();
                while (row.next()) {
                    counts.put(row.getString("provider"), new Count(row.getLong("tasks"), SqlTimes.get(row, "oldest")));
                }
                return counts;
            }
        });
    }

    /** Where a task stands, for a request on the management port; empty if there is none. */
    Optional<Standing> standing(String provider, String taskId) throws SQLException {
        try (Connection connection = database.lookups().getConnection();
                PreparedStatement select = connection.prepareStatement(SELECT_TASK)) {
            select.setString(1, provider);
            select.setString(2, taskId);
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? Optional.of(standing(row)) : Optional.empty();
            }
        }
    }

    private static Standing standing(ResultSet row) throws SQLException {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("outcome", row.getString("outcome"));
        fields.put("status", row.getString("status"));
        fields.put("failureReason", row.getString("failure_reason"));
        fields.put("occurredAt", row.getObject("occurred_at", OffsetDateTime.class));
        fields.put("changedAt", row.getObject("changed_at", OffsetDateTime.class));
        return new Standing(row.getString("task_id"), row.getString("family"), fields);
    }

    private static List<String> lock(Connection connection, String sql, String provider, int max, Instant... times)
            throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(sql)) {
            select.setString(1, provider);
            int parameter = 2;
            for (Instant time : times) {
                SqlTimes.set(select, parameter++, time);
            }
            select.setInt(parameter, max);
            return ids(select);
        }
    }

    private static List<String> lockLeased(
            Connection connection, String provider, Lease lease, Collection<String> taskIds) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(LOCK_LEASED)) {
            select.setString(1, provider);
            select.setArray(2, connection.createArrayOf("varchar", taskIds.toArray()));
            select.setObject(3, lease.id());
            return ids(select);
        }
    }

    private static List<String> ids(PreparedStatement select) throws SQLException {
        List<String> ids = new ArrayList<>();
        try (ResultSet row = select.executeQuery()) {
            while (row.next()) {
                ids.add(row.getString("task_id"));
            }
        }
        return ids;
    }

    private static List<OpenTask> read(Connection connection, String provider, List<String> taskIds)
            throws SQLException {
        if (taskIds.isEmpty()) {
            return List.of();
        }
        try (PreparedStatement select = connection.prepareStatement(SELECT_OPEN_TASKS)) {
            select.setString(1, provider);
            select.setArray(2, connection.createArrayOf("varchar", taskIds.toArray()));
            List<OpenTask> tasks = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    tasks.add(new OpenTask(
                            row.getString("task_id"),
                            row.getString("family"),
                            SqlTimes.get(row, "opened_at"),
                            row.getInt("lookups"),
                            SqlTimes.get(row, "last_lookup_at"),
                            row.getString("last_answer"),
                            SqlTimes.get(row, "overdue_at")));
                }
            }
            return tasks;
        }
    }

    /** Executes a statement for each task in one batch; its key comes after the values. */
    private static void update(
            Connection connection, String sql, String provider, List<String> taskIds, Function<String, Object[]> values)
            throws SQLException {
        if (taskIds.isEmpty()) {
            return;
        }
        try (PreparedStatement update = connection.prepareStatement(sql)) {
            for (String taskId : taskIds) {
                int parameter = 1;
                for (Object value : values.apply(taskId)) {
                    update.setObject(
                            parameter++, value instanceof Instant time ? time.atOffset(ZoneOffset.UTC) : value);
                }
                update.setString(parameter++, provider);
                update.setString(parameter, taskId);
                update.addBatch();
            }
            update.executeBatch();
        }
    }
}
