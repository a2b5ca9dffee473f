package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.Provider;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The packaged application ends in time when it is told to, under the load of 64 connections, and until it closes its port
 * answers 200 or 503 with Retry-After; every second time it is told twice. The system property {@code callboard.stops}
 * says how often it is stopped, four of five times on H2.
 */
@Timeout(7200)
final class ShutdownIT {
    private static final Logger LOG = LoggerFactory.getLogger(ShutdownIT.class);
    private static final int CONNECTIONS = 64;
    private static final int STOPS = Integer.getInteger("callboard.stops", 5);

    /** The exit code of a JVM that is stopped by SIGTERM. */
    private static final int STOPPED = 143;

    /** After which {@code docker stop} kills. */
    private static final long MAX_STOP_MS = 10_000;

    private final long seed = Long.getLong("callboard.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final Provider provider = new Provider(CONNECTIONS, seed);

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(Backend.class)
    void endsWithinTenSecondsUnderLoad(Backend backend) throws Exception {
        int stops = backend == Backend.H2 ? STOPS - STOPS / 5 : STOPS / 5;
        Map<String, String> database = backend.newDatabase(folder);
        CallboardProcess callboard = new CallboardProcess(folder, database);
        List<Long> times = new ArrayList<>();
        for (int i = 0; i < stops; i++) {
            callboard.start();
            int before = provider.acknowledged();
            provider.callBack(callboard.port);
            await().atMost(Duration.ofSeconds(60)).until(() -> provider.acknowledged() > before + 2 * CONNECTIONS);
            Thread.sleep(random.nextInt(1500));
            long begin = System.nanoTime();
            callboard.signal("TERM");
            if (i % 2 == 1) {
                callboard.signal("TERM");
            }
            int exitCode = callboard.exitCode();
            times.add(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
            provider.stop();
            assertThat(exitCode).as("seed " + seed).isEqualTo(STOPPED);
        }
        List<Long> sorted = times.stream().sorted().toList();
        LOG.info(
                "{}: stopped {} times; to the exit in ms: median {}, maximum {}; answers: {} times 200, {} times 503 with"
                        + " Retry-After, others {}; without an answer {} (seed {})",
                backend,
                stops,
                sorted.get(stops / 2),
                sorted.get(stops - 1),
                provider.acknowledged(),
                provider.unavailable(),
                provider.otherAnswers(),
                provider.unanswered(),
                seed);
        try (Connection connection = DriverManager.getConnection(
                database.get("callboard.database.url"),
                database.getOrDefault("callboard.database.user", "sa"),
                database.getOrDefault("callboard.database.password", ""))) {
            assertThat(provider.differences(connection)).as("seed " + seed).isEmpty();
        }
        assertThat(provider.unanswered())
                .as("connections closed without an answer")
                .isZero();
        assertThat(sorted.get(stops - 1)).as("ms to the exit").isLessThan(MAX_STOP_MS);
    }
}
