package dev.callboard.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.callboard.db.Database;
import dev.callboard.settings.Settings;
import dev.callboard.task.GroupCommit;
import dev.callboard.text.Sha256;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The throughput of a database alone, from one connection of this process: a task and a callback for each request, with
 * one transaction and one sync for each batch.
 */
final class DatabaseAlone {
    private static final OperatingSystemMXBean SYSTEM =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private DatabaseAlone() {}

    /** @param postgresqlMicros the processor time that PostgreSQL has used so far; null on H2 */
    static Sample measure(Map<String, String> database, int warmUpSeconds, int seconds, LongSupplier postgresqlMicros)
            throws SQLException {
        Properties properties = new Properties();
        properties.putAll(database);
        UniqueTasks tasks = new UniqueTasks(0, UniqueTasks.Mix.TENTH_FAILED);
        try (Database opened = Database.open(Settings.read(Path.of("no-file"), Map.of(), properties));
                Connection connection = opened.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            int before = insert(opened, connection, tasks, 0, warmUpSeconds);
            long java = SYSTEM.getProcessCpuTime();
            long postgresql = postgresqlMicros == null ? 0 : postgresqlMicros.getAsLong();
            long begin = System.nanoTime();
            int rows = insert(opened, connection, tasks, before, seconds) - before;
            Sample sample = new Sample()
                    .set(Figure.REQUESTS, rows / ((System.nanoTime() - begin) / 1e9))
                    .set(Figure.JVM, (SYSTEM.getProcessCpuTime() - java) / 1e3 / rows);
            if (postgresqlMicros != null) {
                sample.set(Figure.POSTGRESQL, (double) (postgresqlMicros.getAsLong() - postgresql) / rows);
            }
            return sample;
        }
    }

    /** Inserts batches for so many seconds, and returns the number of the next row. */
    private static int insert(Database opened, Connection connection, UniqueTasks tasks, int first, int seconds)
            throws SQLException {
        int next = first;
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        for (; System.nanoTime() - end < 0; next += GroupCommit.MAX_GROUP_SIZE) {
            insertBatch(connection, tasks, next);
            connection.commit();
            opened.sync(connection);
        }
        return next;
    }

    private static void insertBatch(Connection connection, UniqueTasks tasks, int first) throws SQLException {
        OffsetDateTime now = Instant.now().atOffset(ZoneOffset.UTC);
        try (PreparedStatement task = connection.prepareStatement(
                        "INSERT INTO task (provider, task_id, task_type, status, outcome, first_received_at, last_callback_at,"
                                + " changed_at, outcome_since, applied_callback_id, revision, applied_received_at)"
                                + " VALUES ('fotor', ?, 'videoEnhancer', '1', 'completed', ?, ?, ?, ?, ?, 1, ?)");
                PreparedStatement callback = connection.prepareStatement(
                        "INSERT INTO callback (callback_id, provider, task_id, status, outcome, digest, payload, origin,"
                                + " received_at) VALUES (?, 'fotor', ?, '1', 'completed', ?, ?, 'callback', ?)")) {
            for (int i = first; i < first + GroupCommit.MAX_GROUP_SIZE; i++) {
                UUID id = UUID.randomUUID();
                String taskId = Bodies.taskId(0, 0, i);
                String payload = tasks.body(taskId, i);
                task.setString(1, taskId);
                for (int column = 2; column <= 5; column++) {
                    task.setObject(column, now);
                }
                task.setObject(6, id);
                task.setObject(7, now);
                task.addBatch();
                callback.setObject(1, id);
                callback.setString(2, taskId);
                callback.setBytes(3, Sha256.of(payload).bytes());
                callback.setString(4, payload);
                callback.setObject(5, now);
                callback.addBatch();
            }
            task.executeBatch();
            callback.executeBatch();
        }
    }
}
