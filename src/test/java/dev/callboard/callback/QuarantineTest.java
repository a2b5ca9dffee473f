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
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Invalid callbacks are quarantined, listed, and replayed once the schema is corrected. */
@ParameterizedClass
@EnumSource(Backend.class)
record QuarantineTest(Backend backend) {
    private static Path routes;
    private static final ObjectMapper JSON = new ObjectMapper();

    private static TestCallboard callboard;

    @BeforeParameterizedClassInvocation
    static void start(Backend backend) throws IOException {
        routes = NewProviderTest.copyOfRoutes();
        Files.writeString(routes.resolve("broken.schema.json"), "{}");
        Files.writeString(
                routes.resolve("broken.camel.yaml"),
                Files.readString(routes.resolve("fotor.camel.yaml"))
                        .replace("fotor", "broken")
                        .replaceAll(
                                "constant:(\\s+)expression: in_progress",
                                "simple:$1expression: no \\${variable.status}"));
        callboard = TestCallboard.start(
                backend,
                Map.of(
                        "callboard.routes",
                        "file:" + routes + "/*.camel.yaml",
                        "callboard.broken.api-url",
                        "https://api.example.com"));
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
                    .contains("there is no provider 'removed'")
                    .doesNotContain("secret", "reason=");
        }
        empty();
    }

    @Test
    void evictsTheOldestOfAProviderBeyondTheLimitAndReportsIt() throws SQLException {
        empty();
        callboard.post("creatify", "of another provider");
        insert(1100, 1);
        double before = evicted();
        try (Logged log = new Logged()) {
            callboard.post("fotor", "newest");
            callboard.post("fotor", "newest but one");
            assertThat(log.lines("quarantine full"))
                    .satisfiesExactly(
                            line -> assertThat(line).startsWith("WARN quarantine full provider=fotor evicted=101 "),
                            line -> assertThat(line).startsWith("WARN quarantine full provider=fotor evicted=1 "));
        }
        assertThat(callboard.rows(
                        "SELECT provider, COUNT(*) AS kept FROM quarantine GROUP BY provider ORDER BY provider"))
                .containsExactly(
                        Map.of("provider", "creatify", "kept", 1L), Map.of("provider", "fotor", "kept", 1000L));
        assertThat(callboard.rows("SELECT 1 FROM quarantine WHERE payload LIKE 'newest%'"))
                .hasSize(2);
        assertThat(evicted() - before).isEqualTo(102);
        assertThat(callboard.rows("SELECT provider FROM alert WHERE kind = 'quarantine_full'"))
                .as("once a day")
                .containsExactly(Map.of("provider", "fotor"));
    }

    @Test
    void keepsNoMoreThanFiftyMillionBytesOfAProvider() throws SQLException {
        empty();
        insert(52, 1_000_000);
        callboard.post("fotor", "x".repeat(1_000_000));
        assertThat(callboard.rows("SELECT 1 FROM quarantine")).hasSize(50);
    }

    /** Old quarantined callbacks of Fotor. */
    private void insert(int count, int length) throws SQLException {
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO quarantine (quarantine_id, provider, reason, payload, length, received_at)"
                    + " SELECT CAST('00000000-0000-0000-0000-' || LPAD(CAST(n AS VARCHAR), 12, '0') AS UUID),"
                    + " 'fotor', 'old', 'old', " + length + ", TIMESTAMP WITH TIME ZONE '2020-01-01 00:00:00+00'"
                    + (backend == Backend.H2
                            ? " FROM (SELECT \"X\" AS n FROM SYSTEM_RANGE(1, " + count + "))"
                            : " FROM generate_series(1, " + count + ") AS n"));
        }
    }

    private static double evicted() {
        return callboard
                .manage("/observe/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith("callboard_quarantine_evicted_total{provider=\"fotor\"}"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' ') + 1)))
                .sum();
    }

    static Stream<Arguments> bodies() {
        String callback = "{\"taskId\": \"t\u00e4\", \"status\": 1}";
        return Stream.of(
                Arguments.of("ISO 8859-1", false, callback.getBytes(StandardCharsets.ISO_8859_1)),
                Arguments.of("UTF-16", false, callback.getBytes(StandardCharsets.UTF_16)),
                Arguments.of("UTF-16LE", false, callback.replace("\u00e4", "").getBytes(StandardCharsets.UTF_16LE)),
                Arguments.of(
                        "an overlong sequence", false, bytes("{\"taskId\": \"", "\u00c0\u00af", "\", \"status\": 1}")),
                Arguments.of(
                        "a surrogate", false, bytes("{\"taskId\": \"", "\u00ed\u00a0\u0080", "\", \"status\": 1}")),
                Arguments.of(
                        "above U+10FFFF",
                        false,
                        bytes("{\"taskId\": \"", "\u00f4\u0090\u0080\u0080", "\", \"status\": 1}")),
                Arguments.of(
                        "a sequence that ends early", false, bytes("{\"taskId\": \"t\", \"status\": 1}", "\u00e2", "")),
                Arguments.of("U+0000", false, bytes("{\"taskId\": \"t", "\u0000", "\", \"status\": 1}")),
                Arguments.of(
                        "a byte order mark",
                        true,
                        bytes("", "\u00ef\u00bb\u00bf", "{\"taskId\": \"t\", \"status\": 1}")));
    }

    private static byte[] bytes(String before, String bytes, String after) {
        return (before + bytes + after).getBytes(StandardCharsets.ISO_8859_1);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("bodies")
    void keepsTheBytesOfABodyThatIsNoText(String name, boolean exact, byte[] body) throws IOException {
        empty();
        callboard.forgetCallbacks();
        assertThat(post(body, "application/json; charset=ISO-8859-1").statusCode())
                .isEqualTo(400);

        JsonNode shown = quarantine("").get(0);
        assertThat(shown.at("/exact").asBoolean()).isEqualTo(exact);
        assertThat(shown.at("/length").asInt()).isEqualTo(body.length);
        HttpResponse<byte[]> kept =
                bytes("/quarantine/" + shown.at("/quarantineId").asText());
        assertThat(kept.body()).isEqualTo(body);
        assertThat(kept.headers().firstValue("Content-Type")).contains("application/octet-stream");

        assertThat(replay().body()).isEqualTo("in quarantine before: 1, after: 1\n");
        assertThat(callboard.count("callback")).isZero();
    }

    @Test
    void readsABodyAsUtf8WhateverItsContentTypeSays() {
        callboard.forgetCallbacks();
        byte[] body = "{\"taskId\": \"t\u00e4\u20ac\", \"status\": 1}".getBytes(StandardCharsets.UTF_8);
        assertThat(post(body, "application/json; charset=ISO-8859-1").statusCode())
                .isEqualTo(200);
        assertThat(callboard.rows("SELECT task_id FROM task WHERE outcome <> 'expected'"))
                .containsExactly(Map.of("task_id", "t\u00e4\u20ac"));
    }

    @Test
    void cutsWhatIsTooLongForItsColumn() throws IOException {
        empty();
        Path schema = routes.resolve("fotor.schema.json");
        String before = Files.readString(schema);
        Files.writeString(schema, before.replace("\"type\": \"integer\"", "\"const\": \"" + "x".repeat(6000) + "\""));
        replay();
        try {
            assertThat(callboard
                            .post("fotor", "{\"taskId\": \"t\", \"status\": 1}")
                            .statusCode())
                    .isEqualTo(400);
        } finally {
            Files.writeString(schema, before);
            replay();
        }
        empty();
        for (String businessId : List.of("\"" + "\ud83d\ude00".repeat(101) + "\"", "\"\\u0000\"", "{\"a\": [1]}")) {
            assertThat(callboard
                            .post("broken", "{\"taskId\": \"t\", \"status\": 0, \"businessId\": " + businessId + "}")
                            .statusCode())
                    .isEqualTo(500);
        }
        assertThat(quarantine("?provider=broken").findValuesAsText("businessId"))
                .containsExactlyInAnyOrder("\ud83d\ude00".repeat(100), "\ufffd", "null");
    }

    @Test
    void pagesAndFiltersTheList() throws IOException, SQLException {
        empty();
        insert(4, 3);
        callboard.post("creatify", "of creatify");
        assertThat(quarantine("?provider=fotor")).hasSize(4);
        assertThat(quarantine("?provider=creatify").findValuesAsText("payload")).containsExactly("of creatify");

        List<String> ids = new ArrayList<>();
        String next = "/quarantine?limit=2";
        int pages = 0;
        while (next != null) {
            HttpResponse<String> page = callboard.manage(next);
            JSON.readTree(page.body())
                    .forEach(row -> ids.add(row.at("/quarantineId").asText()));
            next = page.headers()
                    .firstValue("Link")
                    .map(link -> link.substring(1, link.indexOf('>')))
                    .orElse(null);
            pages++;
        }
        assertThat(pages).isEqualTo(3);
        assertThat(ids).hasSize(5).doesNotHaveDuplicates();
        for (String query : List.of("?provider=F", "?cursor=x", "?state=x", "?limit=0")) {
            assertThat(callboard.manage("/quarantine" + query).statusCode())
                    .as(query)
                    .isEqualTo(400);
        }
    }

    @Test
    void dismissesOneCallbackOrAllOfAProvider() throws IOException, SQLException {
        empty();
        insert(3, 3);
        callboard.post("creatify", "of creatify");
        String id = quarantine("?provider=creatify").at("/0/quarantineId").asText();
        assertThat(manage("DELETE", "/quarantine/" + id).statusCode()).isEqualTo(204);
        for (String method : List.of("GET", "DELETE")) {
            for (String none : List.of(id, "x", "%00", "00000000-0000-0000-0000")) {
                assertThat(manage(method, "/quarantine/" + none).statusCode())
                        .as(none)
                        .isEqualTo(404);
            }
        }
        for (String query : List.of(
                "",
                "?provider=",
                "?provider=fotor&provider=fotor",
                "?provider=%00",
                "?provider=fotor&id=5",
                "?provider=fotor&limit=1")) {
            assertThat(manage("DELETE", "/quarantine" + query).statusCode())
                    .as(query)
                    .isEqualTo(400);
        }
        assertThat(callboard.count("quarantine")).isEqualTo(3);
        assertThat(manage("DELETE", "/quarantine?provider=creatify").body()).isEqualTo("dismissed: 0\n");
        assertThat(manage("DELETE", "/quarantine?provider=fotor").body()).isEqualTo("dismissed: 3\n");
        assertThat(callboard.count("quarantine")).isZero();
    }

    @Test
    void replaysOneCallback() throws IOException {
        empty();
        callboard.forgetCallbacks();
        callboard.post("fotor", "{\"taskId\": \"first\", \"status\": \"7\"}");
        callboard.post("fotor", "{\"taskId\": \"second\", \"status\": \"7\"}");
        String second = quarantine("").at("/0/quarantineId").asText();
        HttpResponse<String> answer = manage("POST", "/quarantine/" + second + "/replay");
        assertThat(answer.statusCode()).isEqualTo(409);
        assertThat(answer.body()).isEqualTo("not recorded: /status is expected to be of type integer\n");

        Path schema = routes.resolve("fotor.schema.json");
        String before = Files.readString(schema);
        Files.writeString(schema, before.replace("\"integer\"", "[\"integer\", \"string\"]"));
        try {
            answer = manage("POST", "/quarantine/" + second + "/replay");
            assertThat(answer.body()).isEqualTo("recorded\n");
            assertThat(manage("POST", "/quarantine/" + second + "/replay").statusCode())
                    .isEqualTo(404);
        } finally {
            Files.writeString(schema, before);
            replay();
        }
        assertThat(callboard.rows("SELECT task_id FROM task WHERE outcome <> 'expected'"))
                .containsExactly(Map.of("task_id", "second"));
        assertThat(callboard.count("quarantine")).isEqualTo(1);
    }

    @Test
    void replaysACallbackWithTheFamilyAndTheRefOfItsUrl() throws IOException {
        empty();
        Path schema = routes.resolve("creatify.schema.json");
        String before = Files.readString(schema);
        Files.writeString(schema, before.replace("\"status\"]", "\"status\", \"type\"]"));
        replay();
        callboard.post(
                "creatify?family=text_to_speech&ref=order-77",
                "{\"id\": \"with-family\", \"status\": \"done\", \"output\": \"https://x.example/1\"}");
        Files.writeString(schema, before);
        assertThat(quarantine("").at("/0/family").asText()).isEqualTo("text_to_speech");
        assertThat(quarantine("").at("/0/businessId").asText()).isEqualTo("order-77");

        assertThat(replay().body()).isEqualTo("in quarantine before: 1, after: 0\n");

        JsonNode found = callboard.task("creatify", "with-family");
        assertThat(found.at("/task/family").asText()).isEqualTo("text_to_speech");
        assertThat(found.at("/task/businessId").asText()).isEqualTo("order-77");
        assertThat(found.at("/results").findValuesAsText("kind")).containsExactly("audio");
    }

    private static JsonNode quarantine(String query) throws IOException {
        return JSON.readTree(callboard.manage("/quarantine" + query).body());
    }

    private static HttpResponse<String> post(byte[] body, String type) {
        return TestCallboard.send(HttpRequest.newBuilder(callboard.url("/callbacks/fotor"))
                .header("Content-Type", type)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build());
    }

    private static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + callboard.managementPort + path));
    }

    private static HttpResponse<String> manage(String method, String path) {
        return TestCallboard.send(request(path)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build());
    }

    private static HttpResponse<byte[]> bytes(String path) throws IOException {
        try {
            return HttpClient.newHttpClient().send(request(path).build(), HttpResponse.BodyHandlers.ofByteArray());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static HttpResponse<String> replay() {
        return manage("POST", "/quarantine/replay");
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
