package dev.callboard.db;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Caller;
import dev.callboard.testkit.OnEachDatabase;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Look-ups that wait for the database take nothing that callbacks and health need, on each database. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public final class LookupLoadTest extends OnEachDatabase {
    private static final int LOOKUPS = 40;
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    /** Ends what H2 waits for in {@link #hold()}. */
    private static CountDownLatch released = new CountDownLatch(0);

    private static CountDownLatch held = new CountDownLatch(0);

    @Test
    void recordsAsFastWhileLookUpsWaitForALock() throws Exception {
        callboard.post("fotor", "{\"taskId\": \"failed\", \"status\": 2}");
        callboard.mailOf("failed");
        latencies("warm-up");
        long[] quiet = latencies("quiet");

        List<CompletableFuture<HttpResponse<String>>> lookups = new ArrayList<>();
        long[] busy;
        HttpResponse<String> health;
        try (AutoCloseable lock = lockMails()) {
            assertThat(lock).isNotNull();
            for (int i = 0; i < LOOKUPS; i++) {
                lookups.add(HTTP.sendAsync(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + callboard.managementPort + "/mails"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString()));
            }
            soon().until(this::isWaiting);
            busy = latencies("busy");
            health = callboard.manage("/observe/health");
            CompletableFuture.allOf(lookups.toArray(CompletableFuture[]::new)).join();
        }

        System.out.printf(
                "%s: callback p50/p99 quiet %.1f/%.1f ms, while %d look-ups wait %.1f/%.1f ms%n",
                backend, millis(quiet, 50), millis(quiet, 99), LOOKUPS, millis(busy, 50), millis(busy, 99));
        assertThat(millis(busy, 99)).isLessThan(1_000);
        assertThat(health.statusCode()).isEqualTo(200);
        assertThat(lookups).extracting(CompletableFuture::join).allSatisfy(answer -> {
            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        });
        soon().untilAsserted(() ->
                assertThat(callboard.manage("/mails").statusCode()).isEqualTo(200));
    }

    @Test
    void cancelsAStatementOfALookUpAfterFiveSeconds() throws Exception {
        String slow = backend == Backend.H2
                ? "SELECT SUM(\"X\" % 7) FROM system_range(1, 1000000000000)"
                : "SELECT pg_sleep(60)";
        try (Connection connection = callboard.callboard().database().lookups().getConnection();
                Statement statement = connection.createStatement()) {
            long begin = System.nanoTime();
            assertThatThrownBy(() -> statement.execute(slow))
                    .isInstanceOfSatisfying(SQLException.class, error -> assertThat(error.getSQLState())
                            .isEqualTo("57014"));
            assertThat((System.nanoTime() - begin) / 1e9).isBetween(4.5, 20.0);
        }
    }

    /** Whether a look-up waits for the lock now. */
    private boolean isWaiting() throws SQLException {
        String waiting = backend == Backend.H2
                ? "SELECT 1 FROM information_schema.sessions WHERE executing_statement LIKE '%FROM mail%'"
                        + " AND session_id <> SESSION_ID()"
                : "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        try (Connection other = callboard.connect();
                Statement statement = other.createStatement()) {
            return statement.executeQuery(waiting).next();
        }
    }

    private static long[] latencies(String name) throws Exception {
        long[] nanos = new long[200];
        try (Caller caller = new Caller(callboard.port)) {
            for (int i = 0; i < nanos.length; i++) {
                long begin = System.nanoTime();
                assertThat(caller.post("fotor", "{\"taskId\": \"" + name + "-" + i + "\", \"status\": 0}"))
                        .isEqualTo(200);
                nanos[i] = System.nanoTime() - begin;
            }
        }
        Arrays.sort(nanos);
        return nanos;
    }

    private static double millis(long[] sorted, int percentile) {
        return sorted[sorted.length * percentile / 100] / 1e6;
    }

    /** Locks the table of mails against readers until the returned object is closed. */
    private AutoCloseable lockMails() throws Exception {
        Connection other = callboard.connect();
        if (backend == Backend.POSTGRESQL) {
            other.setAutoCommit(false);
            other.createStatement().execute("LOCK TABLE mail IN ACCESS EXCLUSIVE MODE");
            return other;
        }
        released = new CountDownLatch(1);
        held = new CountDownLatch(1);
        try (Statement statement = other.createStatement()) {
            statement.execute("CREATE ALIAS IF NOT EXISTS hold FOR \"" + LookupLoadTest.class.getName() + ".hold\"");
        }
        CompletableFuture<Void> altering = CompletableFuture.runAsync(() -> {
            try (Statement statement = other.createStatement()) {
                statement.execute("ALTER TABLE mail ADD CONSTRAINT held CHECK (hold())");
            } catch (SQLException e) {
                // The constraint does not hold, so that the table is as before.
            }
        });
        assertThat(held.await(20, TimeUnit.SECONDS)).as("the table is locked").isTrue();
        return () -> {
            released.countDown();
            altering.join();
            other.close();
        };
    }

    /** A condition of H2 that waits while its table is locked, and is false. */
    public static boolean hold() throws InterruptedException {
        held.countDown();
        released.await();
        return false;
    }
}
