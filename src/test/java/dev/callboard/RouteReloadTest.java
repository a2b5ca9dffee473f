package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Routes that are edited while Callboard runs with {@code callboard.routes.reload=true}. */
class RouteReloadTest {
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

    @Test
    void takesAnEditAndKeepsTheOldRouteWhileAnEditIsBroken() throws IOException {
        Path file = routes.resolve("route-fotor.camel.yaml");
        String original = Files.readString(file);
        assertThat(outcomeOf(9)).isEqualTo("unknown");

        Files.writeString(file, original.replace("== 2\"", "== 9\""));
        awaitOutcome(9, "failed");

        Files.writeString(file, original.substring(0, original.length() / 2) + "\n      - {");
        staysFor(Duration.ofSeconds(4), 9, "failed");

        Files.writeString(file, original);
        awaitOutcome(9, "unknown");
        assertThat(outcomeOf(2)).isEqualTo("failed");
    }

    @Test
    void neverOpensAPathThatAsksNobodyWhoIsCalling() throws IOException {
        Path file = routes.resolve("receive-fotor.camel.yaml");
        String original = Files.readString(file);
        assertThat(callboard
                        .post("fotor", "{\"taskId\": \"a\", \"status\": 1}", "Via", "x")
                        .statusCode())
                .isEqualTo(403);
        Files.writeString(
                file,
                original.replace("uri: bean:sourceCheck", "uri: log:callers").replace("method: admit", "level: DEBUG"));
        await().during(Duration.ofSeconds(4))
                .atMost(Duration.ofSeconds(6))
                .until(() -> callboard
                                .post("fotor", "{\"taskId\": \"a\", \"status\": 1}", "Via", "x")
                                .statusCode()
                        != 200);
        Files.writeString(file, original);
        await().atMost(Duration.ofSeconds(10)).until(() -> outcomeOf(1).equals("completed"));
    }

    private static void awaitOutcome(int status, String outcome) {
        await().atMost(Duration.ofSeconds(10)).until(() -> outcomeOf(status).equals(outcome));
    }

    private static void staysFor(Duration time, int status, String outcome) {
        await().during(time).atMost(time.plusSeconds(2)).until(() -> outcomeOf(status)
                .equals(outcome));
    }

    private static String outcomeOf(int status) {
        String task = UUID.randomUUID().toString();
        callboard.post("fotor", "{\"taskId\": \"" + task + "\", \"status\": " + status + "}");
        return callboard.task("fotor", task).at("/task/outcome").asText();
    }
}
