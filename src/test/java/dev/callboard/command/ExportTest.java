package dev.callboard.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.callboard.db.Database;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.StoredRows;
import dev.callboard.testkit.TestCallboard;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code callboard export}: from an H2 database with rows in each table to PostgreSQL. */
final class ExportTest {
    private static Map<String, String> source;
    private static TestCallboard callboard;

    private final Commands commands = new Commands();
    private Map<String, String> target;

    @BeforeAll
    static void record() throws Exception {
        source = Backend.H2.newDatabase(TestCallboard.newFolder());
        callboard = TestCallboard.start(Backend.H2, withEvents(source));
        callboard.post("fotor", TestCallboard.payload("fotor-avatar-completed"));
        callboard.post("fotor", TestCallboard.payload("fotor-video-failed"));
        // Each escape, and characters beyond the basic plane.
        callboard.post(
                "fotor", "{\"taskId\": \"quotes'\\\"\\\\t\\u2028\uD83D\uDE00\", \"status\": 0, \"type\": \"a\\tb\"}");
        callboard.post("fotor", "{\"no\": \"task\"}");
        TestCallboard.send(HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + callboard.managementPort + "/tasks/creatify/expected"))
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString("{\"overdueAfter\": \"30m\"}"))
                .build());
        await().until(() -> callboard.mails().size() == 2);
        await().until(() ->
                callboard.rows("SELECT 1 FROM event WHERE state = 'pending'").isEmpty());
        await().until(() ->
                callboard.rows("SELECT 1 FROM mail WHERE state = 'pending'").isEmpty());
        callboard.stop();
    }

    /** Events are kept, though nobody takes them. */
    private static Map<String, String> withEvents(Map<String, String> database) {
        Map<String, String> settings = new LinkedHashMap<>(database);
        settings.put("callboard.events.enabled", "true");
        return settings;
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    @BeforeEach
    void createTarget() {
        target = Backend.POSTGRESQL.newDatabase(Path.of("unused"));
    }

    @Test
    void copiesEachRowOfEachTable() throws Exception {
        Map<String, List<String>> rows = StoredRows.of(source);
        assertThat(rows)
                .allSatisfy((table, stored) -> assertThat(stored).as(table).isNotEmpty());

        Export.run(database(source), database(target), commands.out);

        assertThat(StoredRows.of(target)).isEqualTo(rows);
        assertThat(StoredRows.of(source)).as("the source").isEqualTo(rows);
        assertThat(commands.output())
                .contains("callboard.database.url=" + target.get("callboard.database.url"))
                .contains(rows.values().stream().mapToInt(List::size).sum() + " rows")
                .doesNotContain("=postgres\n  callboard.database.password=postgres");
        int events = rows.get("event").size();
        try (TestCallboard moved = TestCallboard.start(Backend.POSTGRESQL, withEvents(target))) {
            assertThat(moved.task("creatify", "expected").at("/task/outcome").asText())
                    .isEqualTo("expected");
            assertThat(moved.post("fotor", TestCallboard.payload("fotor-avatar-completed"))
                            .statusCode())
                    .isEqualTo(200);
            assertThat(moved.count("callback")).as("a duplicate").isEqualTo(3);
            assertThat(moved.post("fotor", "{\"taskId\": \"after\", \"status\": 1}")
                            .statusCode())
                    .isEqualTo(200);
            assertThat(moved.count("event")).as("numbered on").isEqualTo(events + 1);
        }
    }

    @Test
    void refusesADatabaseWithRows() throws Exception {
        Database.open(database(target)).close();
        execute(
                target,
                "INSERT INTO quarantine (quarantine_id, provider, reason, payload, length, received_at) VALUES"
                        + " ('00000000-0000-0000-0000-000000000000', 'fotor', '', '', 0, CURRENT_TIMESTAMP)");
        Map<String, List<String>> before = StoredRows.of(target);

        assertThatThrownBy(() -> Export.run(database(source), database(target), commands.out))
                .isInstanceOf(CommandFailedException.class)
                .hasMessage("the table quarantine of the database at --to has rows; it must be empty");
        assertThat(StoredRows.of(target)).isEqualTo(before);
    }

    @Test
    void copiesAllOrNothing() throws Exception {
        Database.open(database(target)).close();
        // The table that is copied last.
        execute(target, "ALTER TABLE task ADD CONSTRAINT nothing CHECK (task_id = '')");

        assertThatThrownBy(() -> Export.run(database(source), database(target), commands.out))
                .isInstanceOf(CommandFailedException.class)
                .hasMessageStartingWith("nothing was copied: ");
        assertThat(StoredRows.of(target).values()).allMatch(List::isEmpty);
    }

    @Test
    void namesAWrongSourceOrTarget() throws Exception {
        Map<String, String> missing = Backend.H2.newDatabase(TestCallboard.newFolder());
        assertThatThrownBy(() -> Export.run(database(missing), database(target), commands.out))
                .hasMessageStartingWith("there is no database at ");
        assertThatThrownBy(() -> Export.run(database(target), database(target), commands.out))
                .hasMessageContaining("is not a file of H2");
        assertThatThrownBy(() -> Export.run(database(source), database(source), commands.out))
                .hasMessageStartingWith("--to is not a URL like");
    }

    private static Settings.Database database(Map<String, String> settings) {
        return Commands.settings(settings).database();
    }

    private static void execute(Map<String, String> database, String sql) throws Exception {
        try (Connection connection = DriverManager.getConnection(
                        database.get("callboard.database.url"),
                        database.get("callboard.database.user"),
                        database.get("callboard.database.password"));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
