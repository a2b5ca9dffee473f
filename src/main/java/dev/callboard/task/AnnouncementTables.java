package dev.callboard.task;

import dev.callboard.db.SqlFile;
import dev.callboard.db.SqlTimes;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The statements of announcing that {@link TaskTables} does not have, on one connection whose transaction belongs to the
 * caller. All tasks are locked or new. Each method is one round trip to the database, and none if there are no rows.
 */
final class AnnouncementTables {
    private static final SqlFile SQL = SqlFile.read("announcing");

    private static final String FILL_IN_TASK = SQL.statement("fill-in-task");
    private static final String SELECT_OPENINGS = SQL.statement("select-openings");
    private static final String MOVE_OVERDUE = SQL.statement("move-overdue");

    private final Connection connection;

    AnnouncementTables(Connection connection) {
        this.connection = connection;
    }

    /** Stores what announcements add to tasks. */
    void fillIn(Collection<Task> tasks) throws SQLException {
        if (tasks.isEmpty()) {
            return;
        }
        try (PreparedStatement update = connection.prepareStatement(FILL_IN_TASK)) {
            for (Task task : tasks) {
                update.setString(1, task.taskType());
                update.setString(2, task.family());
                update.setString(3, task.businessId());
                update.setString(4, task.sourceTaskId());
                update.setString(5, task.expects());
                update.setObject(
                        6,
                        task.overdueAfter() == null
                                ? null
                                : Math.toIntExact(task.overdueAfter().toSeconds()),
                        Types.INTEGER);
                setKey(update, 7, task.key());
                update.addBatch();
            }
            update.executeBatch();
        }
    }

    /** Since when tasks are open; without those that are not. */
    Map<TaskKey, Instant> readOpenings(Set<TaskKey> tasks) throws SQLException {
        Map<TaskKey, Instant> openings = new HashMap<>();
        if (tasks.isEmpty()) {
            return openings;
        }
        try (PreparedStatement select = connection.prepareStatement(SELECT_OPENINGS)) {
            Object[] ids = tasks.stream().map(TaskKey::taskId).distinct().toArray();
            select.setArray(1, connection.createArrayOf("varchar", ids));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    TaskKey key = new TaskKey(row.getString("provider"), row.getString("task_id"));
                    openings.put(key, SqlTimes.get(row, "opened_at"));
                }
            }
        }
        openings.keySet().retainAll(tasks);
        return openings;
    }

    /** Changes when open tasks are overdue, except those of which that is told. */
    void moveOverdue(Map<TaskKey, Instant> overdueAt) throws SQLException {
        if (overdueAt.isEmpty()) {
            return;
        }
        try (PreparedStatement update = connection.prepareStatement(MOVE_OVERDUE)) {
            for (Map.Entry<TaskKey, Instant> task : overdueAt.entrySet()) {
                SqlTimes.set(update, 1, task.getValue());
                setKey(update, 2, task.getKey());
                update.addBatch();
            }
            update.executeBatch();
        }
    }

    private static void setKey(PreparedStatement statement, int index, TaskKey key) throws SQLException {
        statement.setString(index, key.provider());
        statement.setString(index + 1, key.taskId());
    }
}
