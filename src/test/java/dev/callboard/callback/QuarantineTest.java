package dev.callboard.callback;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.NewProviderTest;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Invalid callbacks are quarantined, listed, and replayed once the schema is corrected. */
@ParameterizedClass
@EnumSource(Backend.class)
record QuarantineTest(Backend backend) {
    private static Path routes;
    private static TestCallboard callboard;

    @BeforeParameterizedClassInvocation
    static void start(Backend backend) throws IOException {
        routes = NewProviderTest.copyOfRoutes();
        callboard = TestCallboard.start(backend, Map.of("callboard.routes", "file:" + routes + "/*.camel.yaml"));
    }

    @AfterParameterizedClassInvocation
    static void stop() {
        callboard.close();
    }

    @Test
    void listsQuarantinedCallbacksWithTheReason() throws IOException {
        empty();
        assertThat(callboard
                        .post("fotor", "{\"taskId\": \"shown\", \"status\": \"done\"}")
                        .statusCode())
                .isEqualTo(400);
        JsonNode shown =
                new ObjectMapper().readTree(callboard.manage("/quarantine").body());
        assertThat(shown).hasSize(1);
        assertThat(shown.at("/0/provider").asText()).isEqualTo("fotor");
        assertThat(shown.at("/0/reason").asText()).isEqualTo("/status is expected to be of type integer");
        assertThat(shown.at("/0/payload").asText()).isEqualTo("{\"taskId\": \"shown\", \"status\": \"done\"}");
        assertThat(shown.at("/0/sourceAddress").asText()).isEqualTo("127.0.0.1");
    }

    @Test
    void recordsQuarantinedCallbacksOnceTheSchemaIsCorrected() throws IOException {
        empty();
        callboard.post("fotor", "{\"taskId\": \"corrected\", \"status\": \"done\"}");
        callboard.post("fotor", "{\"taskId\": \"corrected\"}");
        assertThat(replay().body()).isEqualTo("in quarantine before: 2, after: 2\n");

        Path schema = routes.resolve("fotor.schema.json");
        String before = Files.readString(schema);
        Files.writeString(schema, before.replace("\"integer\"", "[\"integer\", \"string\"]"));
        try {
            assertThat(replay().body()).isEqualTo("in quarantine before: 2, after: 1\n");
        } finally {
            Files.writeString(schema, before);
            replay();
        }

        JsonNode found = callboard.task("fotor", "corrected");
        assertThat(found.at("/task/outcome").asText()).isEqualTo("unknown");
        assertThat(found.at("/callbacks/0/origin").asText()).isEqualTo("replay");
        assertThat(callboard.rows("SELECT payload FROM quarantine"))
                .containsExactly(Map.of("payload", "{\"taskId\": \"corrected\"}"));
    }

    @Test
    void doesNotApplyAReplayedCallbackThatIsStale() throws IOException {
        empty();
        Path schema = routes.resolve("fotor.schema.json");
        String before = Files.readString(schema);
        Files.writeString(schema, before.replace("\"status\"]", "\"status\", \"type\"]"));
        replay();
        callboard.post("fotor", "{\"taskId\": \"older\", \"status\": 2}");
        Files.writeString(schema, before);
        callboard.post(
                "fotor",
                "{\"taskId\": \"older\", \"status\": 1, \"type\": \"x\", \"resultUrl\": \"https://x.example\"}");

        assertThat(replay().body()).isEqualTo("in quarantine before: 1, after: 0\n");

        assertThat(callboard.task("fotor", "older").at("/task/outcome").asText())
                .isEqualTo("completed");
        assertThat(callboard.task("fotor", "older").at("/callbacks")).hasSize(2);
    }

    @Test
    void keepsTheOldSchemaIfTheNewOneIsInvalid() throws IOException {
        Path schema = routes.resolve("fotor.schema.json");
        String before = Files.readString(schema);
        Files.writeString(schema, "{ broken");
        try {
            HttpResponse<String> answer = replay();
            assertThat(answer.statusCode()).isEqualTo(500);
            assertThat(callboard
                            .post("fotor", "{\"taskId\": \"still\", \"status\": 1}")
                            .statusCode())
                    .isEqualTo(200);
        } finally {
            Files.writeString(schema, before);
        }
    }

    @Test
    void logsTheCauseIfACallbackCannotBeReplayedForAnInternalError() throws SQLException {
        empty();
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO quarantine (quarantine_id, provider, reason, payload, length, received_at)"
                    + " VALUES ('00000000-0000-0000-0000-000000000001', 'removed', 'old', '{\"secret\": 1}', 13,"
                    + " TIMESTAMP WITH TIME ZONE '2020-01-01 00:00:00+00')");
        }
        try (Logged log = new Logged()) {
            assertThat(replay().body()).isEqualTo("in quarantine before: 1, after: 1\n");
            assertThat(log.lines("callback not replayed"))
                    .singleElement()
                    .asString()
                    .startsWith("ERROR callback not replayed provider=removed quarantineId=00000000-")
                    .containsPattern("cause=\"\\S+Exception")
                    .doesNotContain("secret", "reason=");
        }
        empty();
    }

    @Test
    void keepsTheNewestThousand() throws SQLException {
        empty();
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO quarantine (quarantine_id, provider, reason, payload, length, received_at)"
                    + " SELECT CAST('00000000-0000-0000-0000-' || LPAD(CAST(n AS VARCHAR), 12, '0') AS UUID),"
                    + " 'fotor', 'old', 'old', 3, TIMESTAMP WITH TIME ZONE '2020-01-01 00:00:00+00'"
                    + (backend == Backend.H2
                            ? " FROM (SELECT \"X\" AS n FROM SYSTEM_RANGE(1, 1500))"
                            : " FROM generate_series(1, 1500) AS n"));
        }
        callboard.post("fotor", "newest");
        assertThat(callboard.rows("SELECT 1 FROM quarantine")).hasSize(1000);
        assertThat(callboard.rows("SELECT 1 FROM quarantine WHERE payload = 'newest'"))
                .hasSize(1);
    }

    @Test
    void keepsNoMoreThanFiftyMillionCharacters() {
        empty();
        String body = "x".repeat(1_000_000);
        for (int i = 0; i < 52; i++) {
            callboard.post("fotor", body);
        }
        assertThat(callboard.rows("SELECT 1 FROM quarantine")).hasSize(50);
    }

    private static HttpResponse<String> replay() {
        return TestCallboard.send(HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + callboard.managementPort + "/quarantine/replay"))
                .POST(HttpRequest.BodyPublishers.noBody())
                .build());
    }

    private static void empty() {
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("DELETE FROM quarantine");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
