package dev.callboard.testkit;

import dev.callboard.task.Callback;
import dev.callboard.task.Deadlines;
import dev.callboard.task.NotRecordedException;
import dev.callboard.task.Origin;
import dev.callboard.task.Outcome;
import dev.callboard.task.RejectedByDatabaseException;
import dev.callboard.task.TaskStore;
import dev.callboard.text.Sha256;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.IntFunction;

/** Callbacks of tasks that have failed, recorded as the routes do it, but many at a time. */
public final class Failures {
    private Failures() {}

    /** Tasks 0 to n - 1 of a provider fail, in one commit. */
    public static void record(TestCallboard callboard, String provider, int n) {
        record(callboard, provider, 0, n, i -> null);
    }

    public static void record(TestCallboard callboard, String provider, int from, int to, IntFunction<String> reason) {
        List<Callback> group = new ArrayList<>();
        for (int i = from; i < to; i++) {
            group.add(callback(callboard, provider, "task-" + i, Outcome.FAILED, "failed", reason.apply(i), Map.of()));
        }
        record(callboard, group);
    }

    public static void record(TestCallboard callboard, List<Callback> group) {
        try {
            new TaskStore(callboard.callboard().database(), new Deadlines(Map.of())).recordGroup(group);
        } catch (NotRecordedException | RejectedByDatabaseException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * A callback that is received now, by the clock of the application.
     *
     * @param alert the kind of its alert, or null
     */
    public static Callback callback(
            TestCallboard callboard,
            String provider,
            String taskId,
            Outcome outcome,
            String alert,
            String reason,
            Map<String, String> details) {
        Instant now = callboard.clock().instant().truncatedTo(ChronoUnit.MICROS);
        String payload = provider + taskId + outcome + UUID.randomUUID();
        return new Callback(
                UUID.nameUUIDFromBytes(payload.getBytes(StandardCharsets.UTF_8)),
                provider,
                taskId,
                outcome.code(),
                outcome,
                alert == null ? List.of() : List.of(alert),
                "video",
                null,
                null,
                null,
                null,
                reason,
                details,
                null,
                List.of(),
                payload,
                Sha256.of(payload),
                "127.0.0.1",
                Origin.CALLBACK,
                now,
                now);
    }

    /** Changes rows. */
    public static void update(TestCallboard callboard, String sql) {
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
