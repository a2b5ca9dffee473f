package dev.callboard.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.PostgresqlServer;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.UnreliableDisk;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Responses while the database can't write, and recovery without a restart once it can. */
@Timeout(180)
final class OutageTest {
    @TempDir
    Path folder;

    private TestCallboard callboard;

    @Test
    void recoversWhenAFullDiskHasSpaceAgain() {
        try (TestCallboard started = TestCallboard.start(Backend.H2, h2OnAnUnreliableDisk())) {
            callboard = started;
            assertThat(post("before").statusCode()).isEqualTo(200);
            UnreliableDisk.setFull(true);
            try {
                assertNotRecorded("while-full");
                assertNotRecorded("while-full");
                await().untilAsserted(() -> assertThat(health()).isEqualTo(503));
            } finally {
                UnreliableDisk.setFull(false);
            }
            await().atMost(Duration.ofSeconds(30)).until(() -> post("after").statusCode() == 200);
            await().untilAsserted(() -> assertThat(health()).isEqualTo(200));
            // The provider may not call again, so it is asked.
            await().untilAsserted(
                            () -> assertThat(callboard.rows("SELECT outcome FROM task WHERE task_id = 'while-full'"))
                                    .containsExactly(Map.of("outcome", "expected")));
            assertThat(post("while-full").statusCode()).isEqualTo(200);
            assertThat(callboard.rows("SELECT task_id FROM task ORDER BY task_id"))
                    .extracting(row -> row.get("task_id"))
                    .containsExactly("after", "before", "while-full");
        }
    }

    @Test
    void hasEveryAcknowledgedCallbackOnTheDiskIfThePowerIsLost() throws Exception {
        Map<String, String> settings = h2OnAnUnreliableDisk();
        try (TestCallboard started = TestCallboard.start(Backend.H2, settings)) {
            callboard = started;
            UnreliableDisk.setKeepsForced(true);
            for (int i = 1; i <= 5; i++) {
                assertThat(post("task-" + i).statusCode()).isEqualTo(200);
                Files.copy(folder.resolve("callboard.mv.db.forced"), folder.resolve("lost-power-" + i + ".mv.db"));
            }
        } finally {
            UnreliableDisk.setKeepsForced(false);
        }
        for (int i = 1; i <= 5; i++) {
            String url = Settings.Database.DEFAULT_URL.replace(
                    "./data/callboard", folder.resolve("lost-power-" + i).toString());
            try (Connection connection = DriverManager.getConnection(url, "sa", "");
                    Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("SELECT COUNT(*) FROM callback")) {
                row.next();
                assertThat(row.getInt(1))
                        .as("callbacks after the loss of power")
                        .isEqualTo(i);
            }
        }
    }

    /** H2's own CHECKPOINT SYNC does not wait for that. */
    @Test
    void waitsForChangesThatTheBackgroundWriterHasTaken() throws Exception {
        String marker = "written in the background";
        try (TestCallboard started = TestCallboard.start(Backend.H2, h2OnAnUnreliableDisk());
                Connection connection = started.callboard().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            Database database = started.callboard().database();
            UnreliableDisk.setKeepsForced(true);
            UnreliableDisk.setWriteMillis(300);
            statement.execute("INSERT INTO alert (alert_id, kind, provider, detail, created_at)"
                    + " VALUES (RANDOM_UUID(), 'test', 'test', '" + marker + "', CURRENT_TIMESTAMP)");
            // What the background writer does at intervals.
            H2Compaction.store(connection).tryCommit();

            database.sync(connection);

            assertThat(Files.readString(folder.resolve("callboard.mv.db.forced"), StandardCharsets.ISO_8859_1))
                    .contains(marker);
        } finally {
            UnreliableDisk.setWriteMillis(0);
            UnreliableDisk.setKeepsForced(false);
        }
    }

    @Test
    void hasARecordedMailOnTheDiskIfThePowerIsLost() throws Exception {
        try (Logged log = new Logged();
                TestCallboard started = TestCallboard.start(Backend.H2, h2OnAnUnreliableDisk())) {
            callboard = started;
            UnreliableDisk.setKeepsForced(true);
            assertThat(callboard.post("fotor", body("failed", 2)).statusCode()).isEqualTo(200);
            await().pollInterval(Duration.ofMillis(2))
                    .until(() -> !log.lines("sent mail").isEmpty());
            Files.copy(folder.resolve("callboard.mv.db.forced"), folder.resolve("lost-power.mv.db"));
        } finally {
            UnreliableDisk.setKeepsForced(false);
        }
        String url = Settings.Database.DEFAULT_URL.replace(
                "./data/callboard", folder.resolve("lost-power").toString());
        try (Connection connection = DriverManager.getConnection(url, "sa", "");
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT mail.state, recipient.state FROM mail JOIN mail_recipient recipient"
                                + " ON recipient.mail_id = mail.mail_id")) {
            row.next();
            assertThat(row.getString(1)).isEqualTo("sent");
            assertThat(row.getString(2)).isEqualTo("accepted");
        }
    }

    @Test
    void rewritesItsFileOnShutdownAndSyncsIt() throws Exception {
        Path file = folder.resolve("callboard.mv.db");
        try (TestCallboard started = TestCallboard.start(Backend.H2, h2OnAnUnreliableDisk())) {
            callboard = started;
            for (int i = 0; i < 20; i++) {
                assertThat(post("task-" + i).statusCode()).isEqualTo(200);
            }
            UnreliableDisk.setKeepsForced(true);
        } finally {
            UnreliableDisk.setKeepsForced(false);
        }
        // H2 writes it under this name before it takes the place of the old one.
        assertThat(folder.resolve("callboard.mv.db.tempFile.forced")).hasSameBinaryContentAs(file);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".tempFile"})
    void losesNothingIfTheDiskIsFullOnShutdown(String files) {
        Map<String, String> settings = h2OnAnUnreliableDisk();
        try (TestCallboard started = TestCallboard.start(Backend.H2, settings)) {
            callboard = started;
            assertThat(post("before").statusCode()).isEqualTo(200);
            UnreliableDisk.setFullFor(files);
        } finally {
            UnreliableDisk.setFull(false);
        }
        assertThat(folder.resolve("callboard.mv.db.tempFile").toFile().exists())
                .as("H2 had begun to rewrite the file")
                .isEqualTo(!files.isEmpty());
        try (TestCallboard started = TestCallboard.start(Backend.H2, settings)) {
            callboard = started;
            assertThat(callboard.rows("SELECT task_id FROM task WHERE task_id = 'before'"))
                    .hasSize(1);
        }
    }

    @Test
    void recoversWhenPostgresqlIsBack() {
        try (PostgresqlServer server = new PostgresqlServer(folder.resolve("postgresql"));
                TestCallboard started = TestCallboard.start(Backend.H2, server.settings())) {
            callboard = started;
            assertThat(post("before").statusCode()).isEqualTo(200);
            server.kill();
            assertNotRecorded("while-gone");
            assertThat(health()).isEqualTo(503);
            server.startAgain();
            await().atMost(Duration.ofSeconds(30)).until(() -> post("after").statusCode() == 200);
            await().untilAsserted(() -> assertThat(health()).isEqualTo(200));
            assertThat(callboard.rows("SELECT task_id FROM task WHERE task_id = 'before'"))
                    .hasSize(1);
        }
    }

    @Test
    void isNotReadyWhileAFullDiskFailsCallbacksAndReadyAgainWithoutAnyCallback() {
        try (TestCallboard started = TestCallboard.start(Backend.H2, h2OnAnUnreliableDisk())) {
            callboard = started;
            UnreliableDisk.setFull(true);
            try {
                assertNotRecorded("while-full");
                assertThat(ready()).isEqualTo(503);
            } finally {
                UnreliableDisk.setFull(false);
            }
            await().atMost(Duration.ofSeconds(30)).until(() -> ready() == 200);
            assertThat(callboard.rows("SELECT task_id FROM callback")).isEmpty();
        }
    }

    @Test
    void isNotReadyWhilePostgresqlIsReadOnlyAndReadyAgainWithoutAnyCallback() throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        try (TestCallboard started = TestCallboard.start(Backend.POSTGRESQL, database);
                Connection other = callboardConnection(database);
                Statement statement = other.createStatement()) {
            callboard = started;
            assertThat(post("before").statusCode()).isEqualTo(200);
            assertThat(ready()).isEqualTo(200);
            String name = other.getCatalog();
            statement.execute("ALTER DATABASE " + name + " SET default_transaction_read_only = on");
            statement.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    + " WHERE datname = current_database() AND pid <> pg_backend_pid()");
            await().atMost(Duration.ofSeconds(30)).until(() -> ready() == 503);
            assertNotRecorded("while-read-only");
            assertThat(ready()).isEqualTo(503);
            assertThat(callboard.manage("/observe/health/live").statusCode()).isEqualTo(200);

            statement.execute("ALTER DATABASE " + name + " RESET default_transaction_read_only");
            await().atMost(Duration.ofSeconds(30)).until(() -> ready() == 200);
            assertThat(callboard.rows("SELECT task_id FROM callback"))
                    .extracting(row -> row.get("task_id"))
                    .containsExactly("before");
        }
    }

    @Test
    void answers503WhileATaskIsLockedAndRecordsOtherTasks() throws Exception {
        try (PostgresqlServer server = new PostgresqlServer(folder.resolve("postgresql"));
                TestCallboard started = TestCallboard.start(Backend.H2, server.settings())) {
            callboard = started;
            assertThat(post("held").statusCode()).isEqualTo(200);
            try (Connection other = callboard.callboard().dataSource().getConnection();
                    Statement statement = other.createStatement()) {
                other.setAutoCommit(false);
                statement.execute("SELECT * FROM task WHERE task_id = 'held' FOR UPDATE");
                assertThat(callboard.post("fotor", body("held", 2)).statusCode())
                        .isEqualTo(503);
                assertThat(post("neighbour").statusCode()).isEqualTo(200);
                other.rollback();
            }
            assertThat(callboard.post("fotor", body("held", 2)).statusCode()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"40001", "40P01"})
    void retriesAGroupAfterASerializationFailureOrDeadlock(String sqlState) throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        try (TestCallboard started = TestCallboard.start(Backend.POSTGRESQL, database);
                Connection other = callboardConnection(database);
                Statement statement = other.createStatement()) {
            callboard = started;
            // What a sequence has counted is not rolled back.
            statement.execute("CREATE SEQUENCE tries");
            statement.execute("CREATE FUNCTION collide() RETURNS TRIGGER LANGUAGE plpgsql AS 'BEGIN"
                    + " IF nextval(''tries'') <= 2 THEN RAISE EXCEPTION USING ERRCODE = ''" + sqlState + "''; END IF;"
                    + " RETURN NEW; END'");
            statement.execute(
                    "CREATE TRIGGER collide BEFORE INSERT ON callback FOR EACH ROW EXECUTE FUNCTION collide()");
            assertThat(post("in-the-way").statusCode()).isEqualTo(200);
            assertThat(callboard.rows("SELECT task_id, nextval('tries') AS next FROM callback"))
                    .containsExactly(Map.of("task_id", "in-the-way", "next", 4L));
        }
    }

    @Test
    void answers503WithinTheCommitTimeoutIfTheDatabaseIsSlow() throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        try (TestCallboard started = TestCallboard.start(Backend.POSTGRESQL, database);
                Connection other = callboardConnection(database);
                Statement statement = other.createStatement()) {
            callboard = started;
            statement.execute("CREATE FUNCTION dawdle() RETURNS TRIGGER LANGUAGE plpgsql AS"
                    + " 'BEGIN PERFORM pg_sleep(13); RETURN NEW; END'");
            statement.execute("CREATE TRIGGER slow BEFORE INSERT ON callback FOR EACH ROW EXECUTE FUNCTION dawdle()");
            long begin = System.nanoTime();
            assertNotRecorded("slow");
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .isBetween(Duration.ofSeconds(9), Duration.ofSeconds(12));
            statement.execute("DROP TRIGGER slow ON callback");
            assertThat(post("slow").statusCode()).isEqualTo(200);
            assertThat(callboard.rows("SELECT task_id FROM callback WHERE task_id = 'slow'"))
                    .hasSize(1);
        }
    }

    private static Connection callboardConnection(Map<String, String> database) throws SQLException {
        return DriverManager.getConnection(
                database.get("callboard.database.url"),
                database.get("callboard.database.user"),
                database.get("callboard.database.password"));
    }

    private Map<String, String> h2OnAnUnreliableDisk() {
        UnreliableDisk.install();
        return Map.of(
                "callboard.database.url",
                Settings.Database.DEFAULT_URL.replace(
                        "file:./data/callboard", "unreliable:" + folder.resolve("callboard")));
    }

    private HttpResponse<String> post(String taskId) {
        return callboard.post("fotor", body(taskId, 1));
    }

    private static String body(String taskId, int status) {
        return "{\"taskId\":\"" + taskId + "\",\"status\":" + status
                + ",\"type\":\"videoEnhancer\",\"resultUrl\":\"\"}";
    }

    private void assertNotRecorded(String taskId) {
        HttpResponse<String> answer = post(taskId);
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(answer.body()).isEmpty();
    }

    private int ready() {
        return callboard.manage("/observe/health/ready").statusCode();
    }

    private int health() {
        return callboard.manage("/observe/health").statusCode();
    }
}
