package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.db.Database;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.Caller;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packaged application with a small heap, as in the README, and more large bodies at once than fit into it. */
final class SmallHeapIT {
    private static final int CALLERS = 64;
    private static final int LARGE_CALLBACKS = 300;

    @Test
    @Timeout(150)
    void survivesManyLargeBodiesAtOnce(@TempDir Path folder) throws Exception {
        // Takes many times its length in memory.
        String list = "1,".repeat(200_000) + "1";
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
        try (CallboardProcess callboard = new CallboardProcess(folder, Backend.H2.newDatabase(folder))) {
            callboard.start();
            List<Future<Integer>> answers = new ArrayList<>();
            for (int i = 0; i < CALLERS; i++) {
                String body = "{\"taskId\":\"large-" + i + "\",\"status\":0,\"list\":[" + list + "]}";
                answers.add(callers.submit(() -> post(callboard.port, body)));
            }
            List<Integer> statuses = new ArrayList<>();
            for (Future<Integer> answer : answers) {
                statuses.add(answer.get());
            }

            assertThat(statuses).containsOnly(200, 503);
            assertThat(post(callboard.port, "{\"taskId\":\"after\",\"status\":0}"))
                    .isEqualTo(200);
        } finally {
            callers.shutdownNow();
        }
    }

    @Test
    @Timeout(60)
    void releasesTheMemoryOfBodiesThatAreNeverCompleted(@TempDir Path folder) throws Exception {
        byte[] half = ("POST /callbacks/fotor HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                        + "Content-Length: 1000000\r\n\r\n" + "x".repeat(500_000))
                .getBytes(StandardCharsets.US_ASCII);
        try (CallboardProcess callboard = new CallboardProcess(folder, Backend.H2.newDatabase(folder))) {
            callboard.start();
            for (int i = 0; i < CALLERS; i++) {
                try (Socket caller = new Socket(InetAddress.getLoopbackAddress(), callboard.port)) {
                    caller.getOutputStream().write(half);
                    boolean abruptly = i % 2 == 0;
                    caller.setSoLinger(abruptly, 0);
                }
            }

            // A short body might still fit.
            String large = "{\"taskId\":\"after\",\"status\":0,\"large\":\"" + "x".repeat(1_000_000) + "\"}";
            await().until(() -> post(callboard.port, large) == 200);
        }
    }

    @Test
    @Timeout(60)
    void reservesMemoryForWhatHasArrivedOnly(@TempDir Path folder) {
        String head = "POST /callbacks/fotor HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        List<RawHttp> half = new ArrayList<>();
        try (CallboardProcess callboard = new CallboardProcess(folder, Backend.H2.newDatabase(folder))) {
            callboard.start();
            for (int i = 0; i < 40; i++) {
                half.add(new RawHttp(callboard.port)
                        .send(head + "Transfer-Encoding: chunked\r\n\r\n28\r\n" + " ".repeat(40) + "\r\n"));
                half.add(new RawHttp(callboard.port).send(head + "Content-Length: 1000000\r\n\r\n{"));
            }
            for (int i = 0; i < 10; i++) {
                String body = "{\"taskId\":\"small-" + i + "\",\"status\":0}";
                String chunks = Integer.toHexString(body.length()) + "\r\n" + body + "\r\n0\r\n\r\n";
                assertThat(RawHttp.status(
                                callboard.port,
                                "127.0.0.1",
                                head + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks))
                        .isEqualTo(200);
            }
        } finally {
            half.forEach(RawHttp::close);
        }
    }

    @Test
    @Timeout(150)
    void showsATaskWithManyLargeCallbacks(@TempDir Path folder) throws Exception {
        Map<String, String> settings = Backend.H2.newDatabase(folder);
        insertLargeCallbacks(settings);
        ExecutorService callers = Executors.newFixedThreadPool(4);
        try (CallboardProcess callboard = new CallboardProcess(folder, settings)) {
            callboard.start();
            List<Future<Integer>> callbacks = new ArrayList<>();
            for (String query : List.of("", "?payloads=full&limit=1000", "?payloads=full", "?payloads=full&limit=2")) {
                callbacks.add(callers.submit(() -> countCallbacks(callboard.managementPort, query)));
            }

            for (Future<Integer> count : callbacks) {
                assertThat(count.get()).isEqualTo(LARGE_CALLBACKS);
            }
            assertThat(post(callboard.port, "{\"taskId\":\"after\",\"status\":0}"))
                    .isEqualTo(200);
        } finally {
            callers.shutdownNow();
        }
    }

    /** One task with payloads that are many times as long as the heap together. */
    private static void insertLargeCallbacks(Map<String, String> settings) throws SQLException {
        Properties properties = new Properties();
        properties.putAll(settings);
        try (Database database = Database.open(Settings.read(Path.of("no-file"), Map.of(), properties));
                Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "INSERT INTO task (provider, task_id, status, outcome, first_received_at, last_callback_at,"
                            + " changed_at, outcome_since, applied_callback_id, revision, applied_received_at) VALUES ('fotor', 'large', '0',"
                            + " 'in_progress', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP,"
                            + " RANDOM_UUID(), 1, CURRENT_TIMESTAMP)");
            statement.execute("INSERT INTO callback (callback_id, provider, task_id, status, outcome, payload, digest,"
                    + " origin, received_at) SELECT RANDOM_UUID(), 'fotor', 'large', '0', 'in_progress',"
                    + " REPEAT('" + "x".repeat(1000) + "', 900), HASH('SHA-256', i), 'callback', CURRENT_TIMESTAMP"
                    + " FROM SYSTEM_RANGE(1, " + LARGE_CALLBACKS + ") AS n(i)");
        }
    }

    /** How many callbacks of the task all pages have together. */
    private static int countCallbacks(int port, String query) throws IOException {
        int count = 0;
        String next = "/tasks/fotor/large" + query;
        while (next != null) {
            HttpResponse<String> page =
                    TestCallboard.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + next))
                            .build());
            assertThat(page.statusCode()).isEqualTo(200);
            count += new ObjectMapper().readTree(page.body()).at("/callbacks").size();
            next = page.headers()
                    .firstValue("Link")
                    .map(link -> link.substring(1, link.indexOf('>')))
                    .orElse(null);
        }
        return count;
    }

    private static int post(int port, String body) throws IOException {
        try (Caller caller = new Caller(port)) {
            return caller.post("fotor", body);
        }
    }
}
