package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Route files that are edited while Callboard runs with {@code callboard.routes.reload=true}. */
class RouteReloadTest {
    private static final Duration BROKEN_FOR = Duration.ofSeconds(4);

    private static Path routes;
    private static TestCallboard callboard;

    @BeforeAll
    static void start() throws IOException {
        routes = NewProviderTest.copyOfRoutes();
        callboard = TestCallboard.start(
                Backend.H2,
                Map.of("callboard.routes", "file:" + routes + "/*.camel.yaml", "callboard.routes.reload", "true"));
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    @AfterEach
    void restoreTheOriginalFiles() throws IOException {
        for (String name : new String[] {"receive-callback.camel.yaml", "fotor.camel.yaml", "creatify.camel.yaml"}) {
            if (Files.mismatch(Path.of("routes", name), routes.resolve(name)) >= 0) {
                Files.copy(Path.of("routes", name), routes.resolve(name), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        await().atMost(Duration.ofSeconds(15)).until(() -> probe("fotor") == 204 && probe("creatify") == 204);
        // While its receiving route is made again, a caller may be answered 404.
        await().atMost(Duration.ofSeconds(15)).until(() -> outcomeOf(2).equals("failed"));
        await().atMost(Duration.ofSeconds(15)).until(() -> outcomeOf(9).equals("unknown"));
    }

    @Test
    void appliesAnEditOfARouterButNotAnInvalidOne() throws IOException {
        assertThat(outcomeOf(9)).isEqualTo("unknown");

        String edited = edit("fotor", "== 2\"", "== 9\"");
        awaitOutcome(9, "failed");

        Files.writeString(file("fotor"), edited.substring(0, edited.length() / 2) + "\n      - {");
        await().during(BROKEN_FOR).atMost(BROKEN_FOR.plusSeconds(2)).until(() -> outcomeOf(9)
                .equals("failed"));
    }

    /** Each of these was found, if at all, when Camel had already removed the old route. */
    @ParameterizedTest
    @ValueSource(strings = {"direct:record-taks", "bean:noSuchBean", "no-such-component:x"})
    void keepsTheOldRouterIfAnEditCallsWhatDoesNotExist(String uri) throws IOException {
        try (Logged log = new Logged()) {
            edit("fotor", "      steps:\n", "      steps:\n        - to: \"" + uri + "\"\n");
            await().atMost(Duration.ofSeconds(15))
                    .until(() -> !log.lines("routes not reloaded file=" + file("fotor") + " cause=")
                            .isEmpty());
        }
        assertThat(outcomeOf(2)).isEqualTo("failed");
    }

    @Test
    void keepsTheOldRouterIfAnEditSetsAWordThatDoesNotExist() throws IOException {
        try (Logged log = new Logged()) {
            edit("fotor", "expression: completed", "expression: complete");
            await().atMost(Duration.ofSeconds(15))
                    .until(() -> !log.lines("sets outcome to 'complete', which is none of")
                            .isEmpty());
        }
        assertThat(outcomeOf(1)).isEqualTo("completed");
    }

    @Test
    void appliesAnEditOfAFileWhileAnotherIsInvalid() throws IOException {
        try (Logged log = new Logged()) {
            edit("creatify", "- route:", "- route: [");
            await().atMost(Duration.ofSeconds(15))
                    .until(() -> !log.lines("routes not reloaded").isEmpty());
            assertThat(log.lines("routes not reloaded").get(0)).contains("line 9, column 16: ");

            edit("fotor", "== 2\"", "== 9\"");
            awaitOutcome(9, "failed");
            await().atMost(Duration.ofSeconds(15)).until(() -> log.lines()
                    .contains("INFO reloaded routes file=" + file("fotor")
                            + " routes=fotor,list-fotor-results,add-fotor-file,lookup-fotor"));
        }
        assertThat(probe("creatify")).isEqualTo(204);
    }

    @Test
    void appliesAnEditOfTheTemplateToEachProvider() throws IOException {
        edit("receive-callback", "expression: \"204\"", "expression: \"206\"");

        await().atMost(Duration.ofSeconds(15)).until(() -> probe("fotor") == 206 && probe("creatify") == 206);
        assertThat(outcomeOf(2)).isEqualTo("failed");
        assertThat(callboard
                        .post("fotor", "{\"taskId\": \"a\", \"status\": 1}", "Via", "x")
                        .statusCode())
                .as("the source check still runs")
                .isEqualTo(403);
    }

    @Test
    void keepsTheOldTemplateIfAnEditIsInvalid() throws IOException {
        for (String broken : new String[] {
            "- unmarshal: {", "- unmarchal:", "- to: {uri: \"bean:noSuchBean\"}\n          - unmarshal:"
        }) {
            edit("receive-callback", "- unmarshal:", broken);
            // While routes are replaced, and then put back, a caller may be answered 404.
            await().during(BROKEN_FOR).atMost(Duration.ofSeconds(15)).until(() -> outcomeOf(2)
                    .equals("failed"));
        }
    }

    @Test
    void opensNoPathWithoutTheSourceCheck() throws IOException {
        assertThat(postFromAnUntrustedProxy()).isEqualTo(403);

        edit(
                "receive-callback",
                "beanName: sourceCheck\n                method: admit",
                "beanName: results\n                method: add");

        await().during(BROKEN_FOR).atMost(BROKEN_FOR.plusSeconds(2)).until(() -> postFromAnUntrustedProxy() == 403);
        assertThat(outcomeOf(2)).isEqualTo("failed");

        Files.writeString(
                file("fotor"),
                Files.readString(file("fotor"))
                        + """
                        - route:
                            id: open-path
                            from:
                              uri: platform-http:/open
                              steps:
                                - log:
                                    message: received
                        """);
        await().during(BROKEN_FOR).atMost(BROKEN_FOR.plusSeconds(2)).until(() -> status("GET", "/open") == 404);
    }

    private static Path file(String name) {
        return routes.resolve(name + ".camel.yaml");
    }

    /** Edits the original of a file. */
    private static String edit(String name, String from, String to) throws IOException {
        String original = Files.readString(Path.of("routes", name + ".camel.yaml"));
        assertThat(original).contains(from);
        String edited = original.replace(from, to);
        Files.writeString(file(name), edited);
        return edited;
    }

    private static int postFromAnUntrustedProxy() {
        return callboard
                .post("fotor", "{\"taskId\": \"a\", \"status\": 1}", "Via", "x")
                .statusCode();
    }

    private static int probe(String provider) {
        return status("GET", "/callbacks/" + provider);
    }

    private static int status(String method, String path) {
        return TestCallboard.send(HttpRequest.newBuilder(callboard.url(path))
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .build())
                .statusCode();
    }

    private static void awaitOutcome(int status, String outcome) {
        await().atMost(Duration.ofSeconds(15)).until(() -> outcomeOf(status).equals(outcome));
    }

    private static String outcomeOf(int status) {
        String task = UUID.randomUUID().toString();
        callboard.post("fotor", "{\"taskId\": \"" + task + "\", \"status\": " + status + "}");
        return callboard.task("fotor", task).at("/task/outcome").asText();
    }
}
