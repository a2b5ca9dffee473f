package dev.callboard.bench;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;

/**
 * Tasks that a database holds before it is measured, each with one callback of 1 KB, a second after the one before. A
 * thousandth is of Creatify, a thousandth has failed, half are avatars, and the i-th has the business id {@code order-i}.
 * Their ids, 32 hexadecimal digits, ascend evenly over all ids: this is quick to store, and new ids then fall anywhere
 * among them, as those of a provider do. They raise no alerts.
 */
final class StoredTasks {
    /** A small one: H2 writes a log of each transaction, for its rollback. */
    private static final int BATCH_ON_H2 = 2_000;

    private static final int BATCH_ON_POSTGRESQL = 500_000;
    private static final String PAYLOAD =
            Bodies.of(Bodies.AVATAR, "#").replaceAll("\\s+", " ").replace(" \"", "\"");

    private static final String TASKS =
            """
            INSERT INTO task (provider, task_id, task_type, business_id, status, outcome, first_received_at,
                last_callback_at, changed_at, outcome_since, applied_callback_id, applied_received_at, revision)
            SELECT CASE WHEN MOD(i, 1000) = 0 THEN 'creatify' ELSE 'fotor' END, id,
                CASE WHEN MOD(i, 2) = 0 THEN 'avatar' ELSE 'videoEnhancer' END, 'order-' || i,
                CASE WHEN MOD(i, 1000) = 1 THEN '2' ELSE '1' END,
                CASE WHEN MOD(i, 1000) = 1 THEN 'failed' ELSE 'completed' END, t, t, t, t, uuid, t, 1
            """;

    private StoredTasks() {}

    /**
     * Inserts them into a database that has its tables. Not for use while Callboard records into it.
     *
     * @param start a second before the first of them is received
     */
    static void store(Connection connection, int tasks, Instant start) throws SQLException {
        store(connection, tasks, start, Duration.ofSeconds(1));
    }

    /**
     * The same with another time between two tasks.
     *
     * @param start that time before the first of them is received
     */
    static void store(Connection connection, int tasks, Instant start, Duration between) throws SQLException {
        boolean h2 = connection.getMetaData().getURL().startsWith("jdbc:h2:");
        int batch = h2 ? BATCH_ON_H2 : BATCH_ON_POSTGRESQL;
        try (Statement statement = connection.createStatement()) {
            for (int first = 1; first <= tasks; first += batch) {
                String rows = rows(h2, first, Math.min(tasks, first + batch - 1), tasks, start, between);
                statement.execute(TASKS + rows);
                statement.execute(callbacks(h2) + rows);
            }
            if (h2) {
                statement.execute("CHECKPOINT SYNC");
            } else {
                statement.execute("VACUUM ANALYZE");
                statement.execute("CHECKPOINT");
            }
        }
    }

    private static String rows(boolean h2, int first, int last, int tasks, Instant start, Duration between) {
        String share = "CAST(i AS BIGINT) * 4294967295 / " + tasks;
        String id = h2
                ? "LOWER(SUBSTRING(RAWTOHEX(CAST(" + share + " AS BINARY(8))), 9)"
                        + " || SUBSTRING(RAWTOHEX(HASH('MD5', CAST(i AS VARCHAR))), 1, 24))"
                : "LPAD(TO_HEX(" + share + "), 8, '0') || SUBSTRING(MD5(CAST(i AS VARCHAR)), 1, 24)";
        String numbers = (h2 ? "SYSTEM_RANGE(" : "generate_series(") + first + ", " + last + ")";
        return """
             FROM (SELECT i, t, id, CAST('00' || SUBSTRING(id, 1, 30) AS UUID) AS uuid
                FROM (SELECT i, TIMESTAMP WITH TIME ZONE '%s' + i * INTERVAL '%s' SECOND AS t, %s AS id
                    FROM %s AS n(i)) AS ids) AS rows
            """
                .formatted(start, BigDecimal.valueOf(between.toMillis(), 3), id, numbers);
    }

    private static String callbacks(boolean h2) {
        return """
            INSERT INTO callback (callback_id, provider, task_id, status, outcome, digest, payload, origin,
                client_address, received_at)
            SELECT uuid, CASE WHEN MOD(i, 1000) = 0 THEN 'creatify' ELSE 'fotor' END, id,
                CASE WHEN MOD(i, 1000) = 1 THEN '2' ELSE '1' END,
                CASE WHEN MOD(i, 1000) = 1 THEN 'failed' ELSE 'completed' END, %s, '%s', 'callback', '192.0.2.1', t
            """
                .formatted(
                        h2 ? "HASH('SHA-256', id)" : "sha256(CAST(id AS BYTEA))", PAYLOAD.replace("#", "' || id || '"));
    }
}
