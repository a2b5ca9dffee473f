package dev.callboard.kafka;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.EventRecipes;
import dev.callboard.testkit.Provider;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The recipe in the manual's chapter on Kafka, word for word, with the packaged application and three brokers: what is
 * answered 200 reaches the tables, whatever stops or is killed in between.
 */
@Timeout(600)
final class KafkaTopicIT {
    private static final Logger LOG = LoggerFactory.getLogger(KafkaTopicIT.class);
    private static final int CONNECTIONS = 32;
    private static final int SECONDS = Integer.getInteger("callboard.kafka.seconds", 10);
    private static final int KILLS = 4;

    /** The recipe says 7 seconds; the rest is for a busy machine. */
    private static final long MAX_ANSWER_MS = 10_000;

    private static Brokers brokers;

    private final Recipe recipe = Recipe.read();
    private final long seed = Long.getLong("callboard.seed", System.nanoTime());
    private final Provider provider = new Provider(CONNECTIONS, seed);

    @TempDir
    Path folder;

    @BeforeAll
    static void startBrokers() throws Exception {
        brokers = Brokers.start();
        brokers.createTopic(Recipe.read());
    }

    @AfterAll
    static void stopBrokers() {
        brokers.close();
    }

    @BeforeEach
    void skipEarlierRecords() {
        brokers.skipAll();
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void recordsWhatIsAnswered200(Backend backend) throws Exception {
        Map<String, String> database = backend.newDatabase(folder);
        try (CallboardProcess callboard = callboard("node", database)) {
            callboard.start();
            provider.callBack(callboard.port);
            TimeUnit.SECONDS.sleep(SECONDS);
            int before = provider.acknowledged();
            long recordedBefore = brokers.committed();
            TimeUnit.SECONDS.sleep(SECONDS);
            int acknowledged = provider.acknowledged() - before;
            long recorded = brokers.committed() - recordedBefore;
            provider.stop();
            long lag = brokers.lag();
            long begin = System.nanoTime();
            soon().atMost(240, TimeUnit.SECONDS).until(() -> brokers.lag() == 0);
            LOG.info(
                    "{}: in {} s after {} s of warm-up, {} callbacks a second answered 200, {} recorded; {} waited at the"
                            + " end and were recorded in {} ms",
                    backend,
                    SECONDS,
                    SECONDS,
                    acknowledged / SECONDS,
                    recorded / SECONDS,
                    lag,
                    TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
        }
        assertThat(provider.acknowledged()).isPositive();
        assertNothingIsLost(database);
    }

    @Test
    void keepsTheClientAddressAndTheReference() throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        try (CallboardProcess callboard = callboard("node", database)) {
            callboard.start();
            assertThat(post(callboard, "fotor?ref=order-7", "{\"taskId\":\"f\",\"status\":1,\"x\":\"\u00e4${body}\"}")
                            .statusCode())
                    .isEqualTo(200);
            assertThat(post(callboard, "creatify?ref=order-8", "{\"id\":\"c\",\"status\":\"failed\"}")
                            .statusCode())
                    .isEqualTo(200);
            soon().until(() -> rows(database, "SELECT task_id FROM task WHERE task_id IN ('f', 'c')")
                            .size()
                    == 2);
        }
        assertThat(rows(
                        database,
                        "SELECT c.payload || ' ' || c.client_address || ' ' || c.origin || ' ' || t.business_id"
                                + " FROM callback c JOIN task t ON t.provider = c.provider AND t.task_id = c.task_id"
                                + " WHERE t.task_id IN ('f', 'c') ORDER BY t.task_id"))
                .containsExactly(
                        "{\"id\":\"c\",\"status\":\"failed\"} 127.0.0.1 callback order-8",
                        "{\"taskId\":\"f\",\"status\":1,\"x\":\"\u00e4${body}\"} 127.0.0.1 callback order-7");
    }

    @Test
    void answers503InTimeWhileTooFewBrokersRunAndLosesNothing() throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        try (CallboardProcess callboard = callboard("node", database)) {
            callboard.start();
            provider.callBack(callboard.port);
            soon().until(() -> provider.acknowledged() > 10 * CONNECTIONS);

            brokers.stop(1, 2);
            long tooFew = assertUnavailableInTime(callboard);
            brokers.stop(0);
            long none = assertUnavailableInTime(callboard);
            int acknowledged = provider.acknowledged();
            brokers.startAgain(0, 1, 2);

            soon().until(() -> provider.acknowledged() > acknowledged + 10 * CONNECTIONS);
            provider.stop();
            soon().until(() -> brokers.lag() == 0);
            LOG.info(
                    "answered 503 after {} ms with one broker of three, after {} ms with none; {} times in all",
                    tooFew,
                    none,
                    provider.unavailable());
        }
        assertNothingIsLost(database);
    }

    /** The longest of some answers, in ms. */
    private static long assertUnavailableInTime(CallboardProcess callboard) {
        long longest = 0;
        for (int i = 0; i < 3; i++) {
            long begin = System.nanoTime();
            HttpResponse<String> answer = post(callboard, "fotor", "{\"taskId\":\"not-accepted\",\"status\":0}");
            longest = Math.max(longest, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(answer.body()).isEmpty();
            assertThat(answer.headers().map())
                    .containsKey("retry-after")
                    .doesNotContainKeys("provider", "clientaddress", "kafka.key");
        }
        assertThat(longest).isLessThan(MAX_ANSWER_MS);
        return longest;
    }

    @Test
    void losesNothingIfProcessesAreKilled() throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        Random random = new Random(seed);
        try (CallboardProcess first = callboard("first", database);
                CallboardProcess second = callboard("second", database)) {
            first.start();
            second.start();
            for (int i = 0; i < KILLS; i++) {
                int before = provider.acknowledged();
                provider.callBack(first.port);
                soon().until(() -> provider.acknowledged() > before + 10 * CONNECTIONS);
                TimeUnit.MILLISECONDS.sleep(random.nextInt(1500));
                // The second only consumes; the first also receives.
                CallboardProcess killed = i % 2 == 0 ? second : first;
                killed.kill();
                int after = provider.acknowledged();
                if (killed == second) {
                    soon().until(() -> provider.acknowledged() > after + 10 * CONNECTIONS);
                }
                provider.stop();
                killed.start();
            }
            // A member that was killed keeps its partitions until its session ends.
            soon().atMost(120, TimeUnit.SECONDS).until(() -> brokers.lag() == 0);
        }
        LOG.info("killed {} times; {} callbacks answered 200", KILLS, provider.acknowledged());
        assertNothingIsLost(database);
    }

    @Test
    void answers200WhileTheDatabaseIsDownAndRecordsLater() throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(database.get("callboard.database.url"));
        dataSource.setUser(database.get("callboard.database.user"));
        dataSource.setPassword(database.get("callboard.database.password"));
        try (CallboardProcess callboard = callboard("node", database)) {
            callboard.start();
            soon().until(() -> brokers.lag() == 0);
            try (AutoCloseable outage = Backend.POSTGRESQL.outage(dataSource)) {
                for (int i = 0; i < 20; i++) {
                    assertThat(post(callboard, "fotor", "{\"taskId\":\"late-" + i + "\",\"status\":0}")
                                    .statusCode())
                            .isEqualTo(200);
                    assertThat(post(callboard, "fotor", "{\"taskId\":\"late-" + i + "\",\"status\":2}")
                                    .statusCode())
                            .isEqualTo(200);
                }
                TimeUnit.SECONDS.sleep(3);
                assertThat(brokers.lag()).isPositive();
                assertThat(outage).isNotNull();
            }
            soon().until(() -> brokers.lag() == 0);
        }
        assertThat(rows(database, "SELECT outcome FROM task WHERE task_id LIKE 'late-%'"))
                .hasSize(20)
                .containsOnly("failed");
        assertThat(rows(database, "SELECT reason FROM quarantine")).isEmpty();
    }

    @Test
    void keepsAnInvalidBodyOutOfTheTopic() throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        try (CallboardProcess callboard = callboard("node", database)) {
            callboard.start();
            long before = brokers.end();
            assertThat(post(callboard, "fotor", "{\"taskId\":\"bad\"").statusCode())
                    .isEqualTo(400);
            assertThat(post(callboard, "fotor", "{\"taskId\":7,\"status\":1}").statusCode())
                    .isEqualTo(400);
            assertThat(brokers.end()).isEqualTo(before);
        }
        assertThat(rows(database, "SELECT payload FROM quarantine"))
                .containsExactlyInAnyOrder("{\"taskId\":\"bad\"", "{\"taskId\":7,\"status\":1}");
    }

    @Test
    void quarantinesWhatCannotBeRecordedAndGoesOn() throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        brokers.send("fotor/next", "not JSON".getBytes(StandardCharsets.UTF_8), Map.of("provider", "fotor"));
        brokers.send("fotor/next", new byte[] {'"', (byte) 0xff, '"'}, Map.of("provider", "fotor"));
        brokers.send("fotor/next", "{\"taskId\":7}".getBytes(StandardCharsets.UTF_8), Map.of("provider", "fotor"));
        brokers.send("fotor/next", "{}".getBytes(StandardCharsets.UTF_8), Map.of("provider", "record-task"));
        brokers.send("fotor/next", null, Map.of());
        try (CallboardProcess callboard = callboard("node", database)) {
            callboard.start();
            assertThat(post(callboard, "fotor", "{\"taskId\":\"next\",\"status\":1}")
                            .statusCode())
                    .isEqualTo(200);
            soon().until(() -> brokers.lag() == 0);
        }
        assertThat(rows(database, "SELECT task_id FROM task WHERE task_id = 'next'"))
                .hasSize(1);
        assertThat(rows(database, "SELECT provider FROM quarantine"))
                .containsExactlyInAnyOrder("fotor", "fotor", "fotor", "record-task", "none");
        assertThat(rows(database, "SELECT kind FROM alert WHERE kind = 'malformed' AND provider = 'fotor'"))
                .hasSize(1);
    }

    @Test
    void quarantinesWhatIsTooLargeForTheTopic() throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        Recipe small = recipe.edited("maxRequestSize: 2097152", "maxRequestSize: 1000");
        try (CallboardProcess callboard = callboard("node", database, small)) {
            callboard.start();
            String body = "{\"taskId\":\"large\",\"status\":1,\"x\":\"" + "x".repeat(1000) + "\"}";
            HttpResponse<String> answer = post(callboard, "fotor", body);
            assertThat(answer.statusCode()).isEqualTo(500);
            assertThat(answer.headers().map()).doesNotContainKeys("provider", "clientaddress", "kafka.key");
            assertThat(rows(database, "SELECT payload FROM quarantine")).containsExactly(body);
        }
    }

    @ParameterizedTest
    @CsvSource({"recordMetadata: true,recordMetadata: false"})
    void answers500WithoutAnAcknowledgement(String from, String to) throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        try (CallboardProcess callboard = callboard("node", database, recipe.edited(from, to))) {
            callboard.launch();
            String body = "{\"taskId\":\"unknown\",\"status\":1}";
            soon().ignoreExceptions().until(() -> post(callboard, "fotor", body).statusCode() == 500);
            assertThat(rows(database, "SELECT DISTINCT payload FROM quarantine"))
                    .containsExactly(body);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "requestRequiredAcks: all,requestRequiredAcks: 1",
        "requestRequiredAcks: all,synchronous: true",
        "recordMetadata: true,additionalProperties.acks: 1",
        "uri: kafka,uri: direct:record-task"
    })
    void doesNotStartIfATemplateCouldAnswer200WithoutAllReplicas(String from, String to) throws Exception {
        Path routes = recipe.edited(from, to).write(folder.resolve("routes"));
        assertThatThrownBy(() -> TestCallboard.start(
                                Backend.H2, Map.of("callboard.routes", "file:" + routes + "/*.camel.yaml"))
                        .close())
                .isInstanceOf(StartException.class)
                .hasMessageContaining("direct:answer-accepted is possible only right after");
    }

    // ---- helpers ----

    private CallboardProcess callboard(String name, Map<String, String> database) throws IOException {
        return callboard(name, database, recipe);
    }

    private CallboardProcess callboard(String name, Map<String, String> database, Recipe recipe) throws IOException {
        Path node = folder.resolve(name);
        Map<String, String> settings = new HashMap<>(database);
        settings.put("callboard.routes", "file:" + recipe.write(node.resolve("routes")) + "/*.camel.yaml");
        settings.put("callboard.creatify.allowed-sources", "127.0.0.1");
        recipe.writeSettings(node, brokers.addresses());
        return new CallboardProcess(node, settings);
    }

    private static HttpResponse<String> post(CallboardProcess callboard, String path, String body) {
        return TestCallboard.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + callboard.port + "/callbacks/" + path))
                        .header("Content-Type", "application/json")
                        .header("provider", "nobody")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build());
    }

    /** The recipe of the README for events. */
    @Test
    void sendsEventsToATopic() throws Exception {
        brokers.createTopic("task-events");
        Map<String, String> settings = new HashMap<>(Backend.POSTGRESQL.newDatabase(folder));
        settings.put(
                "callboard.routes",
                EventRecipes.routes(EventRecipes.KAFKA.text().replace("kafka-1:9092", brokers.addresses())));
        try (CallboardProcess callboard = new CallboardProcess(folder.resolve("node"), settings)) {
            callboard.start();
            for (int status : new int[] {0, 2, 1}) {
                assertThat(post(callboard, "fotor", "{\"taskId\":\"e\",\"status\":" + status + "}")
                                .statusCode())
                        .isEqualTo(200);
            }
            // One is of the callback that start() sends.
            assertThat(brokers.read("task-events", 4).stream()
                            .filter(record -> record.key().equals("fotor/e"))
                            .map(record -> record.value().substring(0, record.value().indexOf(',')))
                            .toList())
                    .containsExactly(
                            "{\"type\":\"task.in_progress\"",
                            "{\"type\":\"task.failed\"",
                            "{\"type\":\"task.completed\"");
        }
    }

    private void assertNothingIsLost(Map<String, String> database) throws SQLException {
        try (Connection connection = connect(database)) {
            assertThat(provider.differences(connection)).as("seed " + seed).isEmpty();
        }
        assertThat(rows(database, "SELECT reason FROM quarantine")).isEmpty();
    }

    private static List<String> rows(Map<String, String> database, String sql) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Connection connection = connect(database);
                ResultSet row = connection.createStatement().executeQuery(sql)) {
            while (row.next()) {
                rows.add(row.getString(1));
            }
        }
        return rows;
    }

    private static Connection connect(Map<String, String> database) throws SQLException {
        return DriverManager.getConnection(
                database.get("callboard.database.url"),
                database.getOrDefault("callboard.database.user", "sa"),
                database.getOrDefault("callboard.database.password", ""));
    }
}
