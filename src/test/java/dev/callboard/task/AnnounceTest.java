package dev.callboard.task;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.testkit.OnEachDatabase;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Announcing tasks over HTTP. */
final class AnnounceTest extends OnEachDatabase {
    private static final ObjectMapper JSON = new ObjectMapper();

    @BeforeEach
    void forget() {
        callboard.forgetCallbacks();
    }

    // ---- one task ----

    @Test
    void answersTheTaskAsTheLookUpDoes() {
        HttpResponse<String> created = put(
                "creatify/t-1",
                "{\"type\": \"video\", \"family\": \"lipsync\", \"businessId\": \"order-1\", \"sourceTaskId\": \"t-0\","
                        + " \"expects\": \"video\", \"overdueAfter\": \"30m\"}");
        HttpResponse<String> repeated = put("creatify/t-1", "{\"overdueAfter\": \"30m\"}");

        assertThat(created.statusCode()).isEqualTo(201);
        assertThat(created.headers().firstValue("Content-Type")).hasValue("application/json");
        assertThat(json(created.body()))
                .isEqualTo(callboard.task("creatify", "t-1").get("task"));
        JsonNode task = json(created.body());
        assertThat(task.get("provider").asText()).isEqualTo("creatify");
        assertThat(task.get("taskId").asText()).isEqualTo("t-1");
        assertThat(task.get("taskType").asText()).isEqualTo("video");
        assertThat(task.get("businessId").asText()).isEqualTo("order-1");
        assertThat(task.get("sourceTaskId").asText()).isEqualTo("t-0");
        assertThat(task.get("status").asText()).isEqualTo("expected");
        assertThat(task.get("outcome").asText()).isEqualTo("expected");
        assertThat(task.get("expects").asText()).isEqualTo("video");
        assertThat(task.get("overdueAfterSeconds").asInt()).isEqualTo(1800);
        assertThat(repeated.statusCode()).isEqualTo(200);
        assertThat(repeated.body()).isEqualTo(created.body());
        assertThat(callboard.task("creatify", "t-1").get("callbacks")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "{\"type\": null, \"expects\": null}"})
    void needsNoField(String body) {
        assertThat(put("fotor/t-1", body).statusCode()).isEqualTo(201);
    }

    @Test
    void takesAnyIdThatACallbackCanHave() {
        String id = "a b/ä+😀%\ufffd";

        assertThat(put("fotor/a%20b%2F%C3%A4+%F0%9F%98%80%25%EF%BF%BD", "{}").statusCode())
                .isEqualTo(201);
        callback("{\"taskId\": \"" + id + "\", \"status\": 2}");

        assertThat(callboard.rows("SELECT outcome FROM task WHERE task_id = ?", id))
                .singleElement()
                .satisfies(task -> assertThat(task).containsEntry("outcome", "failed"));
    }

    @Test
    void listsWhatIsExpected() {
        put("fotor/t-1", "{}");
        callback("{\"taskId\": \"t-2\", \"status\": 0}");

        JsonNode expected = json(callboard.manage("/tasks?outcome=expected").body());

        assertThat(expected).hasSize(1);
        assertThat(expected.get(0).get("taskId").asText()).isEqualTo("t-1");
    }

    @Test
    void leavesTheOutcomeOfACallbackThatCameFirst() {
        callback("{\"taskId\": \"t-1\", \"status\": 2, \"type\": \"avatar\"}");
        JsonNode before = callboard.task("fotor", "t-1").get("task");

        HttpResponse<String> answer = put("fotor/t-1", "{\"type\": \"video\", \"businessId\": \"order-1\"}");

        assertThat(answer.statusCode()).isEqualTo(200);
        JsonNode task = json(answer.body());
        assertThat(task.get("businessId").asText()).isEqualTo("order-1");
        for (String kept :
                new String[] {"taskType", "status", "outcome", "heardAt", "changedAt", "outcomeSince", "turn"}) {
            assertThat(task.get(kept)).as(kept).isEqualTo(before.get(kept));
        }
        assertThat(callboard.rows("SELECT 1 FROM open_task WHERE task_id = 't-1'"))
                .isEmpty();
    }

    @Test
    void isReplacedByACallbackThatComesLater() {
        put("fotor/t-1", "{\"businessId\": \"order-1\"}");

        callback("{\"taskId\": \"t-1\", \"status\": 2}");

        JsonNode task = callboard.task("fotor", "t-1").get("task");
        assertThat(task.get("outcome").asText()).isEqualTo("failed");
        assertThat(task.get("businessId").asText()).isEqualTo("order-1");
        assertThat(callboard.alerts("t-1")).singleElement().satisfies(alert -> assertThat(alert)
                .containsEntry("kind", "failed"));
    }

    @Test
    void keepsATaskOpenWhoseVideoDoesNotFollowItsImage() {
        put("creatify/t-1", "{\"expects\": \"video\"}");

        creatify(
                "{\"id\": \"t-1\", \"status\": \"image_generated\", \"generated_photo_url\": \"https://x.example/1.jpg\"}");
        assertThat(callboard.task("creatify", "t-1").at("/task/outcome").asText())
                .isEqualTo("completed");
        assertThat(callboard.rows("SELECT 1 FROM open_task WHERE task_id = 't-1'"))
                .hasSize(1);

        creatify(
                "{\"id\": \"t-1\", \"status\": \"video_generated\", \"generated_video_url\": \"https://x.example/1.mp4\"}");
        assertThat(callboard.rows("SELECT 1 FROM open_task WHERE task_id = 't-1'"))
                .isEmpty();
    }

    // ---- what is invalid ----

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    {"size": 1}               | /size        | not to be there; the fields are type, family, businessId
                    {"provider": "fotor"}     | /provider    | not to be there
                    {"a/b~": 1}               | /a~1b~0      | not to be there
                    {"type": 1}               | /type        | to be a text of 1 to 200 characters
                    {"type": " "}             | /type        | to be a text of 1 to 200 characters
                    {"businessId": "a\\u0000"} | /businessId | none a control character
                    {"businessId": "a\\u0085"} | /businessId | none a control character
                    {"sourceTaskId": "\\ud800"} | /sourceTaskId | none a control character
                    {"family": "Avatar"}      | /family      | to be a text of 1 to 50 of the characters a-z 0-9 _
                    {"family": ["avatar"]}    | /family      | to be a text of 1 to 50 of the characters a-z 0-9 _
                    {"expects": "movie"}      | /expects     | to be one of image, video, audio, file
                    {"expects": true}         | /expects     | to be one of image, video, audio, file
                    {"overdueAfter": 30}      | /overdueAfter | to be a text like 90s, 30m or 2h, from 1s to 720h (30 days)
                    {"overdueAfter": "0s"}    | /overdueAfter | to be a text like
                    {"overdueAfter": "721h"}  | /overdueAfter | to be a text like
                    {"overdueAfter": "30"}    | /overdueAfter | to be a text like
                    {"overdueAfter": "-30m"}  | /overdueAfter | to be a text like
                    {"type": "a", "type": "b"} | ''          | to be one JSON object without duplicate keys
                    {} {}                     | ''           | to be one JSON object without duplicate keys
                    []                        | ''           | to be one JSON object without duplicate keys
                    {                         | ''           | to be one JSON object without duplicate keys
                    """)
    void namesTheFieldThatIsInvalid(String body, String field, String expected) {
        HttpResponse<String> answer = put("fotor/t-1", body);

        assertInvalid(answer, 400, field, expected);
        JsonNode problem = json(answer.body());
        assertThat(problem.get("title").asText()).isEqualTo("Invalid announcement");
        assertThat(problem.get("status").asInt()).isEqualTo(400);
        assertThat(problem.get("detail").asText()).contains((field.isEmpty() ? "the body" : field) + " is expected ");
    }

    @ParameterizedTest
    @CsvSource({
        "nobody/t-1, provider, 'to be one of creatify, fotor'",
        "fotor/a%00, taskId, none a control character",
        "fotor/a%0A, taskId, none a control character",
        "fotor/%20, taskId, not all of them spaces",
        "fotor/a%FF, taskId, to be UTF-8",
        "fotor/t-1?type=video, the query, not to be there"
    })
    void namesThePartOfTheUrlThatIsInvalid(String path, String field, String expected) {
        assertInvalid(put(path, "{}"), 400, field, expected);
    }

    @Test
    void takesTextsOf200CharactersAndNoMore() {
        String longest = "x".repeat(200);
        assertInvalid(put("fotor/" + longest + "x", "{}"), 400, "taskId", "to be a text of 1 to 200 characters");
        assertInvalid(put("fotor/t-1", "{\"type\": \"" + longest + "x\"}"), 400, "/type", "to be a text of 1 to 200");

        assertThat(put("fotor/" + longest, "{\"businessId\": \"" + longest + "\"}")
                        .statusCode())
                .isEqualTo(201);
    }

    @Test
    void namesTheFirstFiveProblems() {
        HttpResponse<String> answer =
                put("nobody/t-1", "{\"a\": 1, \"b\": 1, \"type\": 1, \"family\": 1, \"expects\": 1}");

        assertThat(json(answer.body()).get("errors")).hasSize(5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=b"})
    void answers415ToOtherContentTypes(String type) {
        assertInvalid(send("PUT", "/tasks/fotor/t-1", "{}", type), 415, "Content-Type", "to be application/json");
        assertInvalid(
                send("POST", "/tasks", "{}", type),
                415,
                "Content-Type",
                "to be application/x-ndjson or application/json");
    }

    @Test
    void answers400ToWhatIsNoUtf8OrTooLong() {
        byte[] latin1 = "{\"type\": \"\u00e4\"}".getBytes(StandardCharsets.ISO_8859_1);
        assertInvalid(send("PUT", "/tasks/fotor/t-1", latin1, "application/json"), 400, "", "to be UTF-8");
        assertInvalid(
                put("fotor/t-1", "{}" + " ".repeat(AnnouncementReader.MAX_BYTES)),
                400,
                "",
                "to have at most 16384 bytes");
    }

    private static void assertInvalid(HttpResponse<String> answer, int status, String field, String expected) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        assertThat(json(answer.body()).get("errors")).anySatisfy(error -> {
            assertThat(error.get("field").asText()).isEqualTo(field);
            assertThat(error.get("expected").asText()).contains(expected);
        });
        assertThat(callboard.count("task")).isZero();
    }

    // ---- many tasks ----

    @Test
    void announcesTheTaskOfEachLine() {
        put("fotor/t-1", "{}");

        HttpResponse<String> answer = post(
                """
                {"provider": "fotor", "taskId": "t-1"}
                {"provider": "fotor", "taskId": "t-2", "type": "video", "expects": "video"}

                {"provider": "creatify", "taskId": "t-2"}
                {"provider": "nobody", "taskId": "t-3"}
                {"provider": "fotor", "taskId": 4}
                {"provider": "fotor"}
                not JSON
                {"provider": "fotor", "taskId": "t-5", "overdueAfter": "soon"}\r
                {"provider": "fotor", "taskId": "t-6"}\r
                {"provider": "fotor", "taskId": "t-6"}""");

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
        JsonNode result = json(answer.body());
        assertThat(result.get("created").asInt()).isEqualTo(3);
        assertThat(result.get("existed").asInt()).isEqualTo(2);
        assertThat(result.get("invalid"))
                .extracting(line ->
                        line.get("line").asInt() + " " + line.get("reason").asText())
                .containsExactly(
                        "5 /provider is expected to be one of creatify, fotor",
                        "6 /taskId is expected to be a text of 1 to 200 characters, not all of them spaces, none a control"
                                + " character",
                        "7 /taskId is expected to be a text of 1 to 200 characters, not all of them spaces, none a control"
                                + " character",
                        "8 the line is expected to be one JSON object without duplicate keys",
                        "9 /overdueAfter is expected to be a text like 90s, 30m or 2h, from 1s to 720h (30 days)");
        assertThat(callboard.rows("SELECT provider || ' ' || task_id AS task FROM task"))
                .extracting(row -> row.get("task"))
                .containsExactlyInAnyOrder("fotor t-1", "fotor t-2", "creatify t-2", "fotor t-6");
        assertThat(callboard.task("fotor", "t-2").at("/task/expects").asText()).isEqualTo("video");
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/x-ndjson", "application/json", "Application/JSON; charset=utf-8"})
    void announcesThousandsAtOnce(String type) {
        String run = UUID.randomUUID().toString();
        String lines = lines(run, 3000);

        assertThat(send("POST", "/tasks", lines, type).body())
                .isEqualTo("{\"created\":3000,\"existed\":0,\"invalid\":[]}");
        assertThat(send("POST", "/tasks", lines, type).body())
                .isEqualTo("{\"created\":0,\"existed\":3000,\"invalid\":[]}");

        assertThat(callboard.rows("SELECT 1 FROM open_task WHERE task_id LIKE ?", run + "%"))
                .hasSize(3000);
    }

    @Test
    void takesTenThousandLinesAndNoMore() {
        String most = "\n".repeat(TaskAnnouncer.MAX_LINES - 1) + "{\"provider\": \"fotor\", \"taskId\": \"t-1\"}";

        assertInvalid(post("\n" + most), 400, "", "to have at most 10000 lines");
        assertThat(json(post(most).body()).get("created").asInt()).isEqualTo(1);
    }

    @Test
    void namesTheNumberBeforeTheReason() {
        assertThat(post("{\"taskId\": \"t-1\"}").body())
                .isEqualTo(
                        "{\"created\":0,\"existed\":0,\"invalid\":[{\"line\":1,\"reason\":\"/provider is expected to be one"
                                + " of creatify, fotor\"}]}");
    }

    @Test
    void answersNothingAnnouncedToAnEmptyBatch() {
        assertThat(post("").body()).isEqualTo("{\"created\":0,\"existed\":0,\"invalid\":[]}");
    }

    @Test
    void answers413ToMoreThanFourMegabytes() {
        assertThat(post(" ".repeat(4 * 1024 * 1024)).statusCode()).isEqualTo(200);
        assertThat(post(" ".repeat(4 * 1024 * 1024 + 1)).statusCode()).isEqualTo(413);
        // Without a Content-Length.
        assertThat(TestCallboard.send(request("/tasks")
                                .header("Content-Type", "application/json")
                                .POST(HttpRequest.BodyPublishers.fromPublisher(
                                        HttpRequest.BodyPublishers.ofByteArray(new byte[4 * 1024 * 1024 + 1])))
                                .build())
                        .statusCode())
                .isEqualTo(413);
    }

    @Test
    void answers403ToAPageOfAnotherSite() {
        for (String line : new String[] {"PUT /tasks/fotor/t-1", "POST /tasks"}) {
            try (RawHttp http = new RawHttp(callboard.managementPort)) {
                assertThat(http.send(
                                        line + " HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
                                                + "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                                .status())
                        .as(line)
                        .isEqualTo(403);
            }
        }
        assertThat(callboard.count("task")).isZero();
    }

    @Test
    void answers503WhileTheDatabaseIsAway() throws Exception {
        AutoCloseable outage = backend.outage(callboard.callboard().dataSource());
        try {
            HttpResponse<String> answer = put("fotor/t-1", "{}");

            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        } finally {
            outage.close();
        }
        soon().pollInterval(Duration.ofSeconds(1))
                .until(() -> put("fotor/t-1", "{}").statusCode() == 201);
    }

    // ---- helpers ----

    private static String lines(String run, int lines) {
        return IntStream.range(0, lines)
                .mapToObj(i -> "{\"provider\":\"fotor\",\"taskId\":\"" + run + "-" + i + "\",\"businessId\":\"order-"
                        + i + "\",\"overdueAfter\":\"2h\"}")
                .collect(Collectors.joining("\n", "", "\n"));
    }

    private static HttpResponse<String> put(String path, String body) {
        return send("PUT", "/tasks/" + path, body, body.isEmpty() ? null : "application/json");
    }

    private static HttpResponse<String> post(String lines) {
        return send("POST", "/tasks", lines, "application/x-ndjson");
    }

    private static HttpResponse<String> send(String method, String path, String body, String type) {
        return send(method, path, body.getBytes(StandardCharsets.UTF_8), type);
    }

    private static HttpResponse<String> send(String method, String path, byte[] body, String type) {
        HttpRequest.Builder request = request(path)
                .method(
                        method,
                        body.length == 0
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofByteArray(body));
        if (type != null) {
            request.header("Content-Type", type);
        }
        return TestCallboard.send(request.build());
    }

    private static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + callboard.managementPort + path));
    }

    private static void callback(String body) {
        assertThat(callboard.post("fotor", body).statusCode()).isEqualTo(200);
    }

    private static void creatify(String body) {
        assertThat(callboard.post("creatify", body).statusCode()).isEqualTo(200);
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
