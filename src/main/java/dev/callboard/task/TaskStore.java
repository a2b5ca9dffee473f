package dev.callboard.task;

import dev.callboard.db.Database;
import dev.callboard.db.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Records groups of callbacks. A group is any number of callbacks of any tasks that share one transaction and one sync of
 * the disk; {@link GroupCommit} forms them. A group is recorded as a whole or not at all.
 *
 * <p>This class owns the transaction and its retries. {@link GroupTransaction} has the steps and the lock order, {@link
 * GroupChanges} decides what the callbacks change, {@link TaskTables} has the statements. Safe for use by any number of
 * threads, and by several processes on one PostgreSQL.
 */
public final class TaskStore {
    /**
     * How often a group is attempted when it loses races. Whenever it loses one, another transaction has committed, so
     * this many losses in a row mean that something else is wrong.
     */
    private static final int MAX_ATTEMPTS = 20;

    private final Database database;

    public TaskStore(Database database) {
        this.database = database;
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
                return attempt(group);
            } catch (SQLException e) {
                if (!SqlErrors.isRace(e) || attempt == MAX_ATTEMPTS) {
                    throw failure(e);
                }
                pause(attempt);
            }
        }
    }

    private List<RecordResult> attempt(List<Callback> group) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            try {
                return transact(connection, group);
            } catch (SQLException e) {
                if (SqlErrors.isConnectionSuspect(e)) {
                    database.discard(connection);
                }
                throw e;
            }
        }
    }

    private List<RecordResult> transact(Connection connection, List<Callback> group) throws SQLException {
        connection.setAutoCommit(false);
        try {
            List<RecordResult> results = new GroupTransaction(group).record(new TaskTables(connection));
            connection.commit();
            connection.setAutoCommit(true);
            database.sync(connection);
            return results;
        } catch (SQLException | RuntimeException e) {
            try {
                connection.rollback();
            } catch (SQLException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
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
}
