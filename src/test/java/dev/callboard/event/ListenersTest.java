package dev.callboard.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.EventReceiver;
import dev.callboard.testkit.EventReceiver.Request;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.TestCallboard;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who listens to changes, and what the settings say of the receiver. Each test starts its own Callboard. */
@Timeout(90)
final class ListenersTest {
    private static final String FROZEN = "file:src/test/resources/frozen-routes/0.1/*.camel.yaml";
    private static final String SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    private static final String NEW_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private final EventReceiver receiver = new EventReceiver();

    @AfterEach
    void close() {
        receiver.close();
    }

    private static void fotor(TestCallboard callboard, String task, int status) {
        assertThat(callboard
                        .post("fotor", "{\"taskId\": \"" + task + "\", \"status\": " + status + "}")
                        .statusCode())
                .isEqualTo(200);
    }

    private static List<Map<String, Object>> events(TestCallboard callboard) {
        return callboard.rows("SELECT task_id, type, state, last_error FROM event ORDER BY position");
    }

    private static void awaitDelivered(TestCallboard callboard, int count) {
        await().atMost(Duration.ofSeconds(20))
                .until(() -> callboard
                                .rows("SELECT 1 FROM event WHERE state = 'delivered'")
                                .size()
                        == count);
    }

    /** A route that keeps the events of tasks that are completed, and fails for one task. */
    private static String editedRoutes() {
        return TestCallboard.editedRoutes(
                "on-task-change",
                text -> text.replace(
                        "      steps:\n",
                        """
                              steps:
                                - filter:
                                    expression:
                                      simple:
                                        expression: "${variable.taskId} == 'refused'"
                                    steps:
                                      - throwException:
                                          exceptionType: java.lang.IllegalStateException
                                          message: secret
                                - log:
                                    message: "HEARD ${variable.eventType} ${variable.provider} ${variable.taskId} ${variable.previousOutcome} ${variable.outcome} ${variable.status} ${variable.results.size()} ${variable.eventId} ${body}"
                        """));
    }

    // ---- who listens ----

    @ParameterizedTest
    @ValueSource(strings = {"", FROZEN})
    void writesNothingWhileNobodyListens(String routes) {
        Map<String, String> settings = routes.isEmpty() ? Map.of() : Map.of("callboard.routes", routes);
        try (TestCallboard callboard = TestCallboard.start(Backend.H2, settings)) {
            fotor(callboard, "a", 1);
            assertThat(callboard.count("event")).isZero();
            assertThat(callboard.manage("/events").body()).isEqualTo("[]");
        }
    }

    @Test
    void writesNothingIfEventsAreSwitchedOff() {
        try (TestCallboard callboard = TestCallboard.start(
                Backend.H2, Map.of("callboard.events.url", receiver.url(), "callboard.events.enabled", "false"))) {
            fotor(callboard, "a", 1);
            assertThat(callboard.count("event")).isZero();
        }
    }

    @Test
    void listsEventsThatNobodyTakesIfTheSettingsWantThem() {
        try (TestCallboard callboard = TestCallboard.start(Backend.H2, Map.of("callboard.events.enabled", "true"))) {
            fotor(callboard, "a", 1);
            awaitDelivered(callboard, 1);
        }
    }

    @Test
    void postsWithoutTheRouteOfTheUser() {
        try (TestCallboard callboard = TestCallboard.start(
                Backend.H2, Map.of("callboard.events.url", receiver.url(), "callboard.routes", FROZEN))) {
            fotor(callboard, "a", 1);
            awaitDelivered(callboard, 1);
            assertThat(receiver.requests("a")).extracting(Request::type).containsExactly("task.completed");
        }
    }

    @Test
    void keepsEventsIfThereIsNeitherARouteNorAUrl() {
        try (TestCallboard callboard = TestCallboard.start(
                Backend.H2, Map.of("callboard.events.enabled", "true", "callboard.routes", FROZEN))) {
            fotor(callboard, "a", 1);
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> events(callboard).get(0).get("last_error") != null);
            assertThat(events(callboard).get(0))
                    .containsEntry("state", "pending")
                    .containsEntry("last_error", "there is neither a route on-task-change nor callboard.events.url");
        }
    }

    /** Without a URL. */
    @Test
    void runsTheRouteThatTheUserHasEdited() {
        try (Logged log = new Logged();
                TestCallboard callboard = TestCallboard.start(Backend.H2, Map.of("callboard.routes", editedRoutes()))) {
            fotor(callboard, "a", 0);
            fotor(callboard, "a", 1);
            fotor(callboard, "refused", 1);
            awaitDelivered(callboard, 2);
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> events(callboard).get(2).get("last_error") != null);
            assertThat(events(callboard).get(2))
                    .containsEntry("state", "pending")
                    .containsEntry("last_error", "the route on-task-change failed (IllegalStateException)");
            assertThat(log.lines("HEARD")).hasSize(2);
            assertThat(log.lines("HEARD").get(0)).contains("HEARD task.in_progress fotor a  in_progress 0 0 ");
            assertThat(log.lines("HEARD").get(1))
                    .contains(
                            "HEARD task.completed fotor a in_progress completed 1 0 ", "{\"type\":\"task.completed\"");
        }
    }

    @Test
    void takesARouteWithOtherLineEndsForUnchanged() {
        String routes = TestCallboard.editedRoutes("on-task-change", text -> text.replace("\n", "\r\n") + "\r\n");
        assertThat(Listeners.isEdited(folder(routes))).isFalse();
        assertThat(Listeners.isEdited(folder(editedRoutes()))).isTrue();
        assertThat(Listeners.isEdited(Path.of("no-such-folder", Listeners.FILE)))
                .isFalse();
    }

    private static Path folder(String routes) {
        return Path.of(routes.replaceFirst("^file:", "")).resolveSibling(Listeners.FILE);
    }

    // ---- the receiver ----

    @ParameterizedTest
    @EnumSource(Backend.class)
    void stopsWhenTheReceiverIsGoneAndGoesOnAfterARestart(Backend backend) {
        receiver.behave(EventReceiver.status(410));
        try (Logged log = new Logged();
                TestCallboard callboard =
                        TestCallboard.start(backend, Map.of("callboard.events.url", receiver.url()))) {
            fotor(callboard, "a", 1);
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> !log.lines("ERROR events stopped").isEmpty());
            fotor(callboard, "b", 1);
            await().during(Duration.ofSeconds(2))
                    .until(() -> receiver.requests("b").isEmpty());
            assertThat(callboard.manage("/observe/health").body()).contains("events are not delivered: HTTP 410");
            assertThat(callboard.manage("/observe/health/ready").statusCode()).isEqualTo(200);
            assertThat(events(callboard)).allSatisfy(event -> assertThat(event).containsEntry("state", "pending"));
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> callboard
                                    .rows("SELECT 1 FROM alert WHERE kind = 'undelivered'")
                                    .size()
                            == 1);
            assertThat(log.lines("ERROR events stopped")).hasSize(1);

            receiver.behave(EventReceiver.status(204));
            callboard.stop();
            callboard.startAgain();
            awaitDelivered(callboard, 2);
            assertThat(callboard.manage("/observe/health").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void signsWithBothSecretsWhileTheyAreChanged() {
        try (TestCallboard callboard = TestCallboard.start(
                Backend.H2,
                Map.of(
                        "callboard.events.url",
                        receiver.url(),
                        "callboard.events.secret",
                        NEW_SECRET + ", " + SECRET))) {
            fotor(callboard, "a", 1);
            awaitDelivered(callboard, 1);
            Request request = receiver.requests("a").get(0);
            String[] signatures = request.headers().get("webhook-signature").split(" ");
            assertThat(signatures).containsExactly(signature(NEW_SECRET, request), signature(SECRET, request));
        }
    }

    private static String signature(String secret, Request request) {
        Instant time = Instant.ofEpochSecond(Long.parseLong(request.headers().get("webhook-timestamp")));
        return new WebhookSignature(List.of(secret))
                .sign(request.id(), time, request.body().getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void deliversAfterARestartWhatWaited(Backend backend) {
        receiver.behave(EventReceiver.status(500));
        try (TestCallboard callboard = TestCallboard.start(backend, Map.of("callboard.events.url", receiver.url()))) {
            fotor(callboard, "a", 0);
            fotor(callboard, "a", 1);
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> !receiver.requests("a").isEmpty());
            callboard.stop();
            receiver.behave(EventReceiver.status(204));
            callboard.startAgain();
            awaitDelivered(callboard, 2);
        }
    }

    // ---- the settings ----

    @ParameterizedTest
    @CsvSource({
        "callboard.events.url, ftp://x.example/",
        "callboard.events.url, https:///path",
        "callboard.events.url, https://sesame:sesame@x.example/",
        "callboard.events.url, https://x.example/#sesame",
        "callboard.events.url, https://x.example:99999/sesame",
        "callboard.events.url, sesame",
        "callboard.events.secret, sesame",
        "callboard.events.secret, whsec_c2VzYW1l",
        "callboard.events.secret, whsec_sesame!",
        "callboard.events.secret, plJ3nmyCDGBKInavdOK15jsl",
        "callboard.events.secret, 'whsec_plJ3nmyCDGBKInavdOK15jslplJ3nmyCDGBKInavdOK15jsl, whsec_plJ3nmyCDGBKInavdOK15jslplJ3nmyCDGBKInavdOK15jsl, whsec_plJ3nmyCDGBKInavdOK15jslplJ3nmyCDGBKInavdOK15jsl'",
        "callboard.events.enabled, yes",
        "callboard.events.give-up-after, 10s",
        "callboard.events.give-up-after, 400d",
        "callboard.events.keep, 0d",
    })
    void rejectsAWrongValueWithoutShowingIt(String key, String value) {
        assertThatThrownBy(() -> settings(Map.of(key, value)))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(key + ": ")
                .hasMessageNotContaining("sesame")
                .hasMessageNotContaining("plJ3nmy");
    }

    @Test
    void takesTheKeysFromVariablesAndShowsNoSecret() {
        Map<String, String> variables = new HashMap<>();
        variables.put("CALLBOARD_EVENTS_URL", "https://x.example/sesame");
        variables.put("CALLBOARD_EVENTS_SECRET", SECRET);
        variables.put("CALLBOARD_EVENTS_GIVE_UP_AFTER", "12h");
        variables.put("CALLBOARD_EVENTS_KEEP", "30d");
        Settings settings = Settings.read(Path.of("no-file"), variables, new Properties());
        assertThat(settings.events().giveUpAfter()).isEqualTo(Duration.ofHours(12));
        assertThat(settings.events().keep()).isEqualTo(Duration.ofDays(30));
        assertThat(settings.events().toString()).doesNotContain("sesame").doesNotContain("C2FVsBQI");
        assertThat(Listeners.listen(settings)).isTrue();
    }

    private static Settings settings(Map<String, String> given) {
        Properties properties = new Properties();
        properties.putAll(given);
        return Settings.read(Path.of("no-file"), Map.of(), properties);
    }
}
