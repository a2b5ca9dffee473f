package dev.callboard.task;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.NewProviderTest;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Routers that break their contract. Each is a provider of one Callboard: a callback is answered 200 exactly if it is
 * recorded, and otherwise 500 and quarantined, so that it can be replayed once the router is corrected.
 */
@Timeout(60)
final class RouterContractTest {
    private static final String RECORD = """
            - to: { uri: "direct:record-task" }
            """;

    private static final String FAIL =
            """
            - throwException: { exceptionType: "java.lang.IllegalStateException", message: "on purpose" }
            """;

    private static final String ANSWER =
            """
            - setHeader: { name: CamelHttpResponseCode, expression: { constant: { expression: "202" } } }
            """;

    /** A step that fails with a {@link StackOverflowError}, which Camel does not catch, if the body has a long text. */
    private static final String OVERFLOW =
            """
            - filter:
                expression: { simple: { expression: "${body[text]} regex '(a|b)*c'" } }
                steps:
                  - log: { message: matched }
            """;

    /** Steps after which a callback is not recorded. */
    private static final Map<String, String> UNRECORDED = Map.ofEntries(
            Map.entry("forgets", "- log: { message: forgotten }\n"),
            Map.entry("stops", "- stop: {}\n" + RECORD),
            Map.entry("answers", ANSWER),
            Map.entry("answers-and-stops", ANSWER + "- stop: {}\n"),
            Map.entry("rolls-back", "- rollback: { message: back }\n" + RECORD),
            Map.entry("marks-rollback", "- rollback: { markRollbackOnly: true }\n" + RECORD),
            Map.entry("marks-last-rollback", "- rollback: { markRollbackOnlyLast: true }\n" + RECORD),
            Map.entry(
                    "filters",
                    "- filter:\n    expression: { simple: { expression: \"false\" } }\n    steps:\n" + in(RECORD)),
            Map.entry("swallows", "- doTry:\n    steps:\n" + in(FAIL + RECORD) + caught()),
            Map.entry(
                    "clears",
                    "- setVariable: { name: outcome, expression: { simple: { expression: \"no ${variable.status}\" } } }\n"
                            + "- doTry:\n    steps:\n" + in(RECORD) + caught()),
            Map.entry("fakes", "- removeProperties: { pattern: \"*\" }\n" + ANSWER));

    /** Steps after which it is recorded. */
    private static final Map<String, String> RECORDED = Map.of(
            "records", RECORD,
            "records-and-stops", RECORD + ANSWER + "- stop: {}\n",
            "records-and-marks-rollback", RECORD + "- rollback: { markRollbackOnly: true }\n",
            "records-twice", RECORD + RECORD,
            "records-in-a-split",
                    "- split:\n    expression: { simple: { expression: \"${body}\" } }\n    steps:\n" + in(RECORD),
            "records-in-a-multicast", "- multicast:\n    steps:\n" + in(RECORD));

    private static Path routes;
    private static TestCallboard callboard;

    private static String in(String steps) {
        return steps.indent(6);
    }

    private static String caught() {
        return "    doCatch:\n      - exception: [java.lang.Exception]\n        steps:\n          - log: { message: swallowed }\n";
    }

    @BeforeAll
    static void start() throws IOException {
        routes = NewProviderTest.copyOfRoutes();
        for (Map<String, String> providers : List.of(UNRECORDED, RECORDED)) {
            for (Map.Entry<String, String> provider : providers.entrySet()) {
                write(provider.getKey(), true, provider.getValue());
            }
        }
        write("lets-camel-handle", false, FAIL + RECORD);
        write("overflows", true, OVERFLOW + RECORD);
        write("records-and-overflows", true, RECORD + OVERFLOW);
        write("lets-camel-handle-recording", false, "- removeVariable: { name: taskId }\n" + RECORD);
        callboard = TestCallboard.start(Backend.H2, Map.of("callboard.routes", "file:" + routes + "/*.camel.yaml"));
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    @BeforeEach
    void empty() {
        execute("DELETE FROM quarantine");
    }

    private static void write(String provider, boolean noErrorHandler, String steps) throws IOException {
        String variables =
                """
                - setVariable: { name: taskId, expression: { simple: { expression: "${body[id]}" } } }
                - setVariable: { name: status, expression: { constant: { expression: done } } }
                - setVariable: { name: outcome, expression: { constant: { expression: completed } } }
                """;
        Files.writeString(
                routes.resolve(provider + ".camel.yaml"),
                """
                - templatedRoute:
                    routeTemplateRef: receive-callback
                    routeId: receive-PROVIDER
                    parameters:
                      - { name: provider, value: PROVIDER }
                - route:
                    id: PROVIDER
                ERRORS    from:
                      uri: direct:PROVIDER
                      steps:
                """
                                .replace("PROVIDER", provider)
                                .replace("ERRORS", noErrorHandler ? "    errorHandler: { noErrorHandler: {} }\n" : "")
                        + (variables + steps).indent(8));
        Files.writeString(routes.resolve(provider + ".schema.json"), "{\"type\": \"object\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"overflows", "records-and-overflows"})
    void answers500AfterAnErrorAndKeepsNothingInFlight(String provider) {
        HttpResponse<String> answer =
                callboard.post(provider, "{\"id\": \"" + provider + "\", \"text\": \"" + "a".repeat(100_000) + "\"}");
        assertThat(answer.statusCode()).isEqualTo(500);
        soon().untilAsserted(() ->
                assertThat(callboard.manage("/observe/metrics").body()).contains("\ncallboard_http_in_flight 0.0\n"));
    }

    static List<String> unrecorded() {
        return UNRECORDED.keySet().stream().sorted().toList();
    }

    static List<String> recorded() {
        return RECORDED.keySet().stream().sorted().toList();
    }

    @ParameterizedTest
    @MethodSource("unrecorded")
    void answers500AndQuarantinesWhatARouterDoesNotRecord(String provider) {
        try (Logged log = new Logged()) {
            HttpResponse<String> answer = post(provider);

            assertThat(answer.statusCode()).isEqualTo(500);
            assertThat(answer.body()).isEmpty();
            assertThat(tasks(provider)).isEmpty();
            assertThat(quarantined()).containsExactly(provider);
            assertThat(log.lines("callback failed")).singleElement().asString().contains("provider=" + provider);
        }
        assertThat(replay()).isEqualTo("in quarantine before: 1, after: 1\n");
        assertThat(tasks(provider)).isEmpty();
    }

    @Test
    void namesTheFileAndWhatToDo() {
        try (Logged log = new Logged()) {
            post("forgets");
            assertThat(log.lines("callback failed"))
                    .singleElement()
                    .asString()
                    .contains("forgets.camel.yaml", "direct:record-task", "POST /quarantine/replay");
        }
        assertThat(callboard.rows("SELECT 1 FROM alert WHERE kind = 'malformed' AND provider = 'forgets'"))
                .hasSize(1);
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void answers200IfItIsRecordedHoweverTheRouterEnds(String provider) {
        HttpResponse<String> answer = post(provider);

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEmpty();
        assertThat(tasks(provider)).hasSize(1);
        assertThat(quarantined()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"lets-camel-handle", "lets-camel-handle-recording"})
    void leavesErrorsToTheTemplateIfARouterForgetsTheErrorHandler(String provider) {
        try (Logged log = new Logged()) {
            assertThat(post(provider).statusCode()).isEqualTo(500);
            assertThat(quarantined()).containsExactly(provider);
            assertThat(log.lines("ERROR"))
                    .as("one line, and none of Camel's with the message")
                    .singleElement()
                    .asString()
                    .startsWith("ERROR callback failed");
        }
    }

    private static HttpResponse<String> post(String provider) {
        return callboard.post(provider, "{\"id\": \"" + provider + "\"}");
    }

    private static List<Map<String, Object>> tasks(String provider) {
        return callboard.rows("SELECT task_id FROM callback WHERE provider = ?", provider);
    }

    private static List<Object> quarantined() {
        return callboard.rows("SELECT provider FROM quarantine").stream()
                .map(row -> row.get("provider"))
                .toList();
    }

    private static String replay() {
        return TestCallboard.send(HttpRequest.newBuilder(
                                URI.create("http://127.0.0.1:" + callboard.managementPort + "/quarantine/replay"))
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build())
                .body();
    }

    private static void execute(String sql) {
        Failures.update(callboard, sql);
    }
}
