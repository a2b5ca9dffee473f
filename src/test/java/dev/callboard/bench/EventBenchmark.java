package dev.callboard.bench;

import dev.callboard.db.Database;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.EventReceiver;
import dev.callboard.testkit.Provider;
import dev.callboard.testkit.TestCallboard;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/**
 * Measures how quickly events that wait are delivered to a receiver on the same machine, and what events cost while callbacks
 * are recorded. Asserts nothing. {@code mvn -Pbench verify -Dbench.main=dev.callboard.bench.EventBenchmark} runs it with the
 * packaged application; {@code -Dbench.stored=} sets the number of events.
 */
final class EventBenchmark {
    private static final int EVENTS = Math.min(100_000, Integer.getInteger("bench.stored", 100_000));
    private static final int SECONDS = Integer.getInteger("bench.seconds", 20);
    private static final int CONNECTIONS = Integer.getInteger("bench.connections", 64);
    private static final long SEED = 1;

    /** Of the usual length. */
    private static final String DATA =
            """
            {"type":"task.completed","timestamp":"2026-03-01T12:00:00.000000Z","data":{"eventId":"%ID","version":1,\
            "provider":"fotor","taskId":"%TASK","outcome":"completed","previousOutcome":"in_progress","status":"1",\
            "taskType":"videoEnhancer","businessId":"order-77","sourceTaskId":null,"failureReason":null,"results":[{\
            "kind":"video","url":"https://static.example.com/out/%TASK.mp4","externalId":null,"templateId":null,\
            "flagged":false}],"occurredAt":null,"changedAt":"2026-03-01T12:00:00.000000Z","origin":"callback"}}""";

    private EventBenchmark() {}

    public static void main(String[] args) throws Exception {
        for (Backend backend : Backend.values()) {
            drain(backend);
            record(backend, false);
            record(backend, true);
        }
        // The database server of the tests stops with the JVM.
        System.exit(0);
    }

    private static void drain(Backend backend) throws Exception {
        Path folder = TestCallboard.newFolder();
        Map<String, String> settings = new HashMap<>(backend.newDatabase(folder));
        Properties properties = new Properties();
        properties.putAll(settings);
        Database.open(Settings.read(Path.of("no-file"), Map.of(), properties)).close();
        store(backend, settings);
        try (EventReceiver receiver = new EventReceiver()) {
            settings.put("callboard.events.url", receiver.url());
            settings.put("callboard.events.secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
            try (CallboardProcess callboard = new CallboardProcess(folder, settings)) {
                callboard.start();
                int count = 0;
                long deadline = System.nanoTime() + Duration.ofMinutes(10).toNanos();
                while (count < EVENTS && System.nanoTime() < deadline) {
                    Thread.sleep(100);
                    count = receiver.count();
                }
                double seconds = receiver.secondsBetweenFirstAndLast();
                System.out.printf(
                        "%n%s: %,d of %,d events in %.1f s, %,.0f a second; processor time %,d ms; peak memory of the process"
                                + " %d MB (%s)%n",
                        backend,
                        count,
                        EVENTS,
                        seconds,
                        count / seconds,
                        callboard.processorMs(),
                        callboard.residentMegabytes(),
                        String.join(" ", CallboardProcess.OPTIONS));
            }
        }
    }

    private static void store(Backend backend, Map<String, String> database) throws SQLException {
        boolean h2 = backend == Backend.H2;
        String numbers = h2 ? "SYSTEM_RANGE(1, " + EVENTS + ")" : "generate_series(1, " + EVENTS + ")";
        String id = h2 ? "RANDOM_UUID()" : "gen_random_uuid()";
        String data = "'" + DATA.replace("%ID", "' || id || '").replace("%TASK", "task-' || i || '") + "'";
        try (Connection connection = Servers.connect(database);
                Statement statement = connection.createStatement()) {
            statement.execute(
                    """
                    INSERT INTO event (event_id, type, provider, task_id, data, state, created_at, pending_since,
                        next_attempt_at)
                    SELECT id, 'task.completed', 'fotor', 'task-' || i, %s, 'pending', CURRENT_TIMESTAMP,
                        CURRENT_TIMESTAMP, CURRENT_TIMESTAMP
                      FROM (SELECT i, %s AS id FROM %s AS n(i)) AS rows
                    """
                            .formatted(data, id, numbers));
            if (!h2) {
                statement.execute("ANALYZE event");
            }
        }
    }

    /** How many callbacks are recorded in a second, with or without a receiver of the changes. */
    private static void record(Backend backend, boolean listening) throws Exception {
        Path folder = TestCallboard.newFolder();
        Map<String, String> settings = new HashMap<>(backend.newDatabase(folder));
        try (EventReceiver receiver = new EventReceiver()) {
            if (listening) {
                settings.put("callboard.events.url", receiver.url());
            }
            try (CallboardProcess callboard = new CallboardProcess(folder, settings)) {
                callboard.start();
                Provider provider = new Provider(CONNECTIONS, SEED);
                provider.callBack(callboard.port);
                Thread.sleep(Duration.ofSeconds(10).toMillis());
                int before = provider.acknowledged();
                int received = receiver.count();
                long cpu = callboard.processorMs();
                Thread.sleep(Duration.ofSeconds(SECONDS).toMillis());
                int recorded = provider.acknowledged() - before;
                System.out.printf(
                        "%s, %s: %,d callbacks a second, %,d events a second, %.2f ms of processor time a callback%n",
                        backend,
                        listening ? "somebody listens" : "nobody listens",
                        recorded / SECONDS,
                        (receiver.count() - received) / SECONDS,
                        (callboard.processorMs() - cpu) / (double) recorded);
                provider.stop();
            }
        }
    }
}
