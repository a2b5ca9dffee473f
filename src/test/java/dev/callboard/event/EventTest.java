package dev.callboard.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.EventReceiver;
import dev.callboard.testkit.EventReceiver.Request;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.SettableClock;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Changes of tasks reach a receiver over HTTP. Time passes only when a test says so. */
@ParameterizedClass
@EnumSource(Backend.class)
@Timeout(120)
final class EventTest {
    static final String SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonSchema SCHEMA = schema();
    private static final Duration SOON = Duration.ofSeconds(20);

    private static EventReceiver receiver;
    private static TestCallboard callboard;
    private static SettableClock clock;

    @Parameter
    Backend backend;

    private final String task = UUID.randomUUID().toString();

    @BeforeParameterizedClassInvocation
    static void start(Backend backend) {
        receiver = new EventReceiver();
        clock = new SettableClock();
        callboard = TestCallboard.start(
                backend, Map.of("callboard.events.url", receiver.url(), "callboard.events.secret", SECRET), clock);
    }

    @AfterParameterizedClassInvocation
    static void stop() {
        callboard.close();
        receiver.close();
    }

    private static JsonSchema schema() {
        try {
            return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                    .getSchema(Files.readString(Path.of("src/docs/event.schema.json")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The receiver takes everything again, and nothing waits. */
    @AfterEach
    void recover() {
        receiver.behave(EventReceiver.status(204));
        // If it is down, it is so until it takes an event.
        fotor(task + "-last", 1);
        await().atMost(Duration.ofSeconds(40)).until(() -> {
            clock.advance(Duration.ofMinutes(10));
            return pending() == 0;
        });
    }

    private static long pending() {
        return callboard.rows("SELECT 1 FROM event WHERE state = 'pending'").size();
    }

    private static void fotor(String task, int status, String... urls) {
        String url = urls.length == 0 ? "" : ", \"resultUrl\": \"" + urls[0] + "\"";
        assertThat(callboard
                        .post("fotor", "{\"taskId\": \"" + task + "\", \"status\": " + status + url + "}")
                        .statusCode())
                .isEqualTo(200);
    }

    private static List<Request> awaitRequests(String task, int requests) {
        await().atMost(SOON).until(() -> receiver.requests(task).size() >= requests);
        return receiver.requests(task);
    }

    private static Map<String, Object> event(String task) {
        return callboard
                .rows("SELECT * FROM event WHERE task_id = ? ORDER BY position", task)
                .get(0);
    }

    private static void awaitState(String task, String state) {
        await().atMost(SOON).until(() -> state.equals(event(task).get("state")));
    }

    private static void awaitAttempts(String task, int attempts) {
        await().atMost(SOON)
                .until(() -> Integer.valueOf(attempts).equals(event(task).get("attempts")));
    }

    private static HttpResponse<String> postManagement(String path) {
        return TestCallboard.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + callboard.managementPort + path))
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build());
    }

    private static JsonNode get(String path) throws IOException {
        return JSON.readTree(callboard.manage(path).body());
    }

    // ---- what is told ----

    @Test
    void tellsEachChangeOfAnOutcome() {
        fotor(task, 0);
        fotor(task, 9);
        fotor(task, 2);
        fotor(task, 1, "https://x.example/1.png");

        List<Request> requests = awaitRequests(task, 3);
        assertThat(requests)
                .extracting(Request::type)
                .containsExactly("task.in_progress", "task.failed", "task.completed");
        assertThat(requests)
                .extracting(
                        request -> request.json().at("/data/previousOutcome").asText(null))
                .containsExactly(null, "in_progress", "failed");
        assertThat(requests).allSatisfy(EventTest::assertValid);
        JsonNode last = requests.get(2).json();
        assertThat(last.at("/data/results/0/url").asText()).isEqualTo("https://x.example/1.png");
        assertThat(last.at("/data/results/0/kind").asText()).isEqualTo("image");
        assertThat(last.at("/data/status").asText()).isEqualTo("1");
        assertThat(last.at("/data/origin").asText()).isEqualTo("callback");
        assertThat(last.at("/timestamp").asText())
                .isEqualTo(last.at("/data/changedAt").asText());
    }

    private static void assertValid(Request request) {
        assertThat(SCHEMA.validate(request.json())).isEmpty();
        assertThat(request.id()).isEqualTo(request.json().at("/data/eventId").asText());
        Instant time = Instant.ofEpochSecond(Long.parseLong(request.headers().get("webhook-timestamp")));
        assertThat(request.headers().get("webhook-signature"))
                .isEqualTo(new WebhookSignature(List.of(SECRET))
                        .sign(request.id(), time, request.body().getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void tellsAStatusThatIsUnknown() {
        fotor(task, 9);
        assertThat(awaitRequests(task, 1)).extracting(Request::type).containsExactly("task.unknown");
        assertThat(receiver.requests(task)).allSatisfy(EventTest::assertValid);
    }

    @Test
    void tellsNothingThatChangesNothing() {
        String url = "https://x.example/1.png";
        fotor(task, 1, url);
        fotor(task, 1, url);
        fotor(task, 0);
        callboard.post(
                "fotor", "{\"taskId\": \"" + task + "\", \"status\": 1, \"resultUrl\": \"" + url + "\", \"x\": 1}");
        awaitRequests(task, 1);
        assertThat(callboard.rows("SELECT 1 FROM event WHERE task_id = ?", task))
                .hasSize(1);
    }

    @Test
    void tellsThatAFileIsNewWithoutAChangeOfTheOutcome() {
        fotor(task, 1, "https://x.example/1.png");
        fotor(task, 1, "https://x.example/2.png");
        List<Request> requests = awaitRequests(task, 2);
        assertThat(requests).extracting(Request::type).containsExactly("task.completed", "task.result_added");
        assertThat(requests.get(1).json().at("/data/results").findValuesAsText("url"))
                .containsExactly("https://x.example/2.png");
        assertThat(requests).allSatisfy(EventTest::assertValid);
    }

    @Test
    void tellsThatAStaleCallbackHasANewFile() {
        creatify("video_generated", "2026-02-01T12:00:00Z", "\"generated_video_url\": \"https://x.example/1.mp4\"");
        creatify("image_generated", "2026-02-01T11:00:00Z", "\"generated_photo_url\": \"https://x.example/1.png\"");
        creatify("image_generated", "2026-02-01T10:00:00Z", "\"generated_photo_url\": \"https://x.example/1.png\"");
        creatify("failed", "2026-02-01T09:00:00Z", "\"x\": 1");
        List<Request> requests = awaitRequests(task, 2);
        assertThat(requests).extracting(Request::type).containsExactly("task.completed", "task.result_added");
        JsonNode second = requests.get(1).json().path("data");
        assertThat(second.path("status").asText()).isEqualTo("video_generated");
        assertThat(second.path("occurredAt").asText()).isEqualTo("2026-02-01T11:00:00Z");
        assertThat(callboard.rows("SELECT 1 FROM event WHERE task_id = ?", task))
                .hasSize(2);
    }

    private void creatify(String status, String updatedAt, String field) {
        assertThat(callboard
                        .post(
                                "creatify",
                                "{\"id\": \"" + task + "\", \"status\": \"" + status + "\", \"updated_at\": \""
                                        + updatedAt + "\", " + field + "}")
                        .statusCode())
                .isEqualTo(200);
    }

    @Test
    void tellsNothingOfAnAnnouncementButTheChangeFromIt() {
        TestCallboard.send(HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + callboard.managementPort + "/tasks/fotor/" + task))
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString("{\"businessId\": \"order-77\", \"type\": \"avatar\"}"))
                .build());
        fotor(task, 0);
        JsonNode data = awaitRequests(task, 1).get(0).json().path("data");
        assertThat(data.path("previousOutcome").asText()).isEqualTo("expected");
        assertThat(data.path("businessId").asText()).isEqualTo("order-77");
        assertThat(data.path("taskType").asText()).isEqualTo("avatar");
        assertThat(callboard.rows("SELECT 1 FROM event WHERE task_id = ?", task))
                .hasSize(1);
    }

    @Test
    void tellsHostileTextsAsTheyAre() {
        String hostile = "\\u202e\\\"}],\\\\${body}{{x}} \\ud83d\\ude00";
        callboard.post(
                "creatify",
                "{\"id\": \"" + task + "\", \"status\": \"failed\", \"failed_reason\": \"" + hostile + "\"}");
        Request request = awaitRequests(task, 1).get(0);
        assertValid(request);
        assertThat(request.json().at("/data/failureReason").asText())
                .isEqualTo("\u202e\"}],\\${body}{{x}} \ud83d\ude00");
    }

    // ---- order and failures ----

    @Test
    void keepsTheOrderOfATaskWhoseFirstEventFails() {
        receiver.behave(EventReceiver.status(500, "not now"));
        fotor(task, 0);
        awaitAttempts(task, 1);
        fotor(task, 1);
        clock.advance(Duration.ofSeconds(6));
        awaitAttempts(task, 2);
        assertThat(receiver.requests(task)).extracting(Request::type).containsOnly("task.in_progress");
        assertThat(event(task)).containsEntry("last_error", "HTTP 500: not now");

        receiver.behave(EventReceiver.status(204));
        clock.advance(Duration.ofSeconds(11));
        List<Request> requests = awaitRequests(task, 4);
        assertThat(requests)
                .extracting(Request::type)
                .containsExactly("task.in_progress", "task.in_progress", "task.in_progress", "task.completed");
        assertThat(requests.stream().limit(3).map(Request::id).distinct()).hasSize(1);
        assertThat(requests.get(0).body()).isEqualTo(requests.get(2).body());
    }

    @Test
    void deliversOtherTasksWhileOneIsSlow() {
        receiver.behave((vertx, http, request) -> EventReceiver.later(
                        request.taskId().equals(task) ? Duration.ofSeconds(12) : Duration.ofMillis(1), 204)
                .answer(vertx, http, request));
        fotor(task, 0);
        awaitRequests(task, 1);
        List<String> others =
                IntStream.range(0, 50).mapToObj(i -> task + "-" + i).toList();
        others.forEach(other -> fotor(other, 1));
        others.forEach(other -> awaitState(other, "delivered"));
        assertThat(event(task)).containsEntry("state", "pending");
    }

    @ParameterizedTest
    @ValueSource(strings = {"500", "reset", "302", "401", "400"})
    void attemptsAgainAfterAFailure(String failure) {
        receiver.behave(
                failure.equals("reset")
                        ? EventReceiver.reset()
                        : EventReceiver.status(Integer.parseInt(failure), "", "Location", receiver.url()));
        fotor(task, 1);
        awaitAttempts(task, 1);
        assertThat(receiver.requests(task)).hasSize(1);
        receiver.behave(EventReceiver.status(204));
        clock.advance(Duration.ofSeconds(6));
        awaitState(task, "delivered");
        assertThat(receiver.requests(task)).hasSize(2);
    }

    @Test
    void takesAnEndlessAnswerForWhatItsStatusSays() {
        receiver.behave(EventReceiver.endless(200));
        fotor(task, 1);
        awaitState(task, "delivered");
    }

    @Test
    void pausesAsLongAsTheReceiverAsks() {
        receiver.behave(EventReceiver.status(429, "", "Retry-After", "600"));
        fotor(task, 1);
        awaitAttempts(task, 1);
        receiver.behave(EventReceiver.status(204));
        String other = task + "-other";
        fotor(other, 1);
        clock.advance(Duration.ofSeconds(590));
        await().during(Duration.ofSeconds(2))
                .until(() -> receiver.requests(other).isEmpty());
        assertThat(receiver.requests(task)).hasSize(1);
        clock.advance(Duration.ofSeconds(11));
        awaitRequests(other, 1);
        awaitRequests(task, 2);
    }

    @Test
    void probesAReceiverThatIsDownAndThenDeliversAllThatWaits() {
        List<String> tasks = changeUntilTheReceiverIsDown(200);
        await().during(Duration.ofSeconds(1)).atMost(SOON).until(() -> {
            int before = attempts();
            Thread.sleep(1000);
            return attempts() == before;
        });
        int before = attempts();
        assertThat(before).as("requests until it is taken for down").isBetween(10, 74);

        clock.advance(Duration.ofSeconds(1));
        await().atMost(SOON).until(() -> attempts() == before + 1);
        clock.advance(Duration.ofSeconds(1));
        await().during(Duration.ofSeconds(1)).until(() -> attempts() == before + 1);

        receiver.behave(EventReceiver.status(204));
        clock.advance(Duration.ofSeconds(1));
        await().atMost(SOON).until(() -> pending() == 0);
        tasks.forEach(each -> assertThat(event(each)).containsEntry("state", "delivered"));
    }

    /** Returns the tasks, of which each has an event that waits. */
    private List<String> changeUntilTheReceiverIsDown(int count) {
        receiver.behave(EventReceiver.status(502));
        List<String> tasks =
                IntStream.range(0, count).mapToObj(i -> task + "-" + i).toList();
        tasks.forEach(each -> fotor(each, 0));
        await().atMost(SOON).until(() -> attempts() >= 10);
        return tasks;
    }

    private int attempts() {
        return (int) receiver.requests().stream()
                .filter(request -> request.taskId().startsWith(task))
                .count();
    }

    @Test
    void givesUpAnEventAndGoesOnWithTheNextOfItsTask() {
        receiver.behave(EventReceiver.status(400, "no such order"));
        fotor(task, 0);
        awaitAttempts(task, 1);
        clock.advance(Duration.ofDays(3).plusSeconds(1));
        awaitState(task, "dead");
        receiver.behave(EventReceiver.status(204));
        fotor(task, 1);
        await().atMost(SOON).until(() -> receiver.requests(task).stream()
                .anyMatch(request -> request.type().equals("task.completed")));
        String id = String.valueOf(event(task).get("event_id"));
        assertThat(callboard.rows("SELECT detail FROM alert WHERE kind = 'undelivered'"))
                .extracting(row -> String.valueOf(row.get("detail")))
                .anySatisfy(detail -> assertThat(detail)
                        .contains("For: 127.0.0.1:", "HTTP 400: no such order", "/retry", id)
                        .doesNotContain("key=value"));
    }

    @Test
    void givesUpWhatWaitsBehindAReceiverThatIsDownForTooLong() {
        List<String> tasks = changeUntilTheReceiverIsDown(150);
        await().atMost(Duration.ofSeconds(40)).until(() -> {
            clock.advance(Duration.ofHours(12));
            return pending() == 0;
        });
        tasks.forEach(each -> assertThat(event(each)).containsEntry("state", "dead"));
        assertThat(attempts()).isLessThan(150);
    }

    // ---- the management port ----

    @Test
    void sendsAnEventAgainUnderItsId() {
        fotor(task, 1);
        awaitState(task, "delivered");
        String id = String.valueOf(event(task).get("event_id"));

        HttpResponse<String> answer = postManagement("/events/" + id + "/retry");

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).contains(id, "pending");
        List<Request> requests = awaitRequests(task, 2);
        assertThat(requests).extracting(Request::id).containsOnly(id);
        assertThat(requests.get(0).body()).isEqualTo(requests.get(1).body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"00000000-0000-0000-0000-000000000000", "0-0-0-0-0", "x", "%00"})
    void hasNoSuchEvent(String id) {
        assertThat(postManagement("/events/" + id + "/retry").statusCode()).isEqualTo(404);
    }

    @Test
    void sendsADeadEventAgainForAsLongAsANewOne() {
        receiver.behave(EventReceiver.status(400));
        fotor(task, 1);
        awaitAttempts(task, 1);
        clock.advance(Duration.ofDays(4));
        awaitState(task, "dead");
        postManagement("/events/" + event(task).get("event_id") + "/retry");
        awaitAttempts(task, 1);
        assertThat(event(task)).containsEntry("state", "pending");
        receiver.behave(EventReceiver.status(204));
        clock.advance(Duration.ofSeconds(6));
        awaitState(task, "delivered");
    }

    @Test
    void sendsAllEventsSinceATimeAgainInTheirOrder() throws IOException {
        fotor(task + "-before", 1);
        awaitState(task + "-before", "delivered");
        clock.advance(Duration.ofMinutes(1));
        Instant since = clock.instant();
        fotor(task, 0);
        fotor(task, 2);
        fotor(task, 1);
        List<String> first = awaitRequests(task, 3).stream().map(Request::id).toList();
        await().atMost(SOON).until(() -> pending() == 0);

        HttpResponse<String> answer = postManagement("/events/replay?since=" + since);

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(JSON.readTree(answer.body()).path("events").asInt()).isEqualTo(3);
        assertThat(awaitRequests(task, 6).stream().skip(3).map(Request::id).toList())
                .isEqualTo(first);
        await().atMost(SOON).until(() -> pending() == 0);
        assertThat(receiver.requests(task)).hasSize(6);
        assertThat(receiver.requests(task + "-before")).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "?since=yesterday", "?since=2026-01-01T00:00:00Z&x=1", "?since=2026-01-01T00:00:00Z&limit=1"
            })
    void rejectsAReplayWithoutATime(String query) {
        HttpResponse<String> answer = postManagement("/events/replay" + query);
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
    }

    @Test
    void listsEvents() throws IOException {
        fotor(task, 0);
        fotor(task, 1);
        awaitRequests(task, 2);
        await().atMost(SOON).until(() -> pending() == 0);

        JsonNode events = get("/events?taskId=" + task + "&provider=fotor&state=delivered");
        assertThat(events).hasSize(2);
        JsonNode newest = events.get(0);
        assertThat(newest.path("type").asText()).isEqualTo("task.completed");
        assertThat(newest.path("eventId").asText())
                .isEqualTo(newest.at("/data/data/eventId").asText());
        assertThat(newest.path("attempts").asInt()).isEqualTo(1);
        assertThat(newest.path("deliveredAt").asText()).isNotEmpty();
        assertThat(newest.path("nextAttemptAt").isNull()).isTrue();
        assertThat(get("/events?taskId=" + task + "&state=pending")).isEmpty();

        HttpResponse<String> page = callboard.manage("/events?limit=1&taskId=" + task);
        String next = page.headers().firstValue("Link").orElseThrow().replaceAll("<(.*)>.*", "$1");
        assertThat(get(next).get(0).path("type").asText()).isEqualTo("task.in_progress");
        assertThat(callboard.manage("/events?state=lost").statusCode()).isEqualTo(400);
    }

    // ---- retention and metrics ----

    @ParameterizedTest(name = "{0}")
    @CsvSource({"delivered, 204, 7", "dead, 400, 33"})
    void deletesWhatIsOverOnceItHasBeenKept(String state, int status, int days) {
        receiver.behave(EventReceiver.status(status));
        fotor(task, 1);
        awaitAttempts(task, 1);
        if (status == 400) {
            clock.advance(Duration.ofDays(3));
        }
        awaitState(task, state);
        clock.advance(Duration.ofDays(days).minusSeconds(5));
        callboard.run("delete-expired-events");
        assertThat(callboard.rows("SELECT 1 FROM event WHERE task_id = ?", task))
                .hasSize(1);
        clock.advance(Duration.ofSeconds(10));
        callboard.run("delete-expired-events");
        assertThat(callboard.rows("SELECT 1 FROM event WHERE task_id = ?", task))
                .isEmpty();
    }

    @Test
    void countsWhatCameOfEvents() {
        receiver.behave(EventReceiver.status(400));
        fotor(task, 1);
        awaitAttempts(task, 1);
        clock.advance(Duration.ofSeconds(4));
        callboard.run("count-events");
        assertThat(callboard.manage("/observe/metrics").body())
                .contains("callboard_events_pending 1", "callboard_events_total{result=\"failed\"}")
                .containsPattern("callboard_events_oldest_pending_seconds [1-9]")
                .contains("callboard_events_total{result=\"delivered\"}", "callboard_events_total{result=\"dead\"}");
    }

    @Test
    void logsNoSecretAndNoUrl() {
        try (Logged log = new Logged()) {
            receiver.behave(EventReceiver.status(500));
            fotor(task, 1);
            awaitAttempts(task, 1);
            assertThat(log.lines("event not delivered event=")).isNotEmpty();
            assertThat(log.lines())
                    .allSatisfy(
                            line -> assertThat(line).doesNotContain("key=value").doesNotContain("C2FVsBQI"));
        }
    }
}
