package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A new provider needs one route file, one schema and settings, without Java or a build. */
public class NewProviderTest {
    private static TestCallboard callboard;

    @BeforeAll
    static void start() throws IOException {
        Path routes = copyOfRoutes();
        for (String file : List.of("easel.camel.yaml", "easel.schema.json")) {
            try (InputStream in = NewProviderTest.class.getResourceAsStream("/new-provider/" + file)) {
                Files.copy(in, routes.resolve(file));
            }
        }
        callboard = TestCallboard.start(
                Backend.H2,
                Map.of(
                        "callboard.routes",
                        "file:" + routes + "/*.camel.yaml",
                        "callboard.easel.allowed-sources",
                        "192.0.2.0/24"));
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    /** A copy of the routes of this project, which a test may edit. */
    public static Path copyOfRoutes() throws IOException {
        Path copy = Files.createTempDirectory("routes");
        try (Stream<Path> files = Files.list(Path.of("routes"))) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        }
        return copy;
    }

    @Test
    void recordsItsResults() {
        String body =
                """
                {"event": "render.updated", "render": {"key": "r-1", "state": "ready", "at": "2026-01-02T03:04:05Z",
                 "owner": {"order": "o-77"}, "files": [{"href": "https://files.example.com/1.png", "nr": 1},
                 {"href": "https://files.example.com/2.mp4", "nr": 2, "movie": true}]}}""";

        assertThat(callboard.post("easel", body).statusCode()).isEqualTo(200);

        JsonNode found = callboard.task("easel", "r-1");
        assertThat(found.at("/task/outcome").asText()).isEqualTo("completed");
        assertThat(found.at("/task/businessId").asText()).isEqualTo("o-77");
        assertThat(found.at("/task/occurredAt").asText()).isEqualTo("2026-01-02T03:04:05Z");
        assertThat(found.at("/results").findValuesAsText("url"))
                .containsExactlyInAnyOrder("https://files.example.com/1.png", "https://files.example.com/2.mp4");
        assertThat(found.at("/results").findValuesAsText("kind")).containsExactlyInAnyOrder("image", "video");
    }

    @ParameterizedTest
    @CsvSource({
        "ref-1, '', o-1",
        "ref-2, ', \"owner\": {\"order\": \"\"}', o-1",
        "ref-3, ', \"owner\": \"nobody\"', o-1",
        "ref-4, ', \"owner\": {\"order\": \"o-77\"}', o-77",
    })
    void keepsTheRefOfTheUrlUnlessTheBodyHasABusinessId(String key, String owner, String businessId) {
        String body = "{\"render\": {\"key\": \"%s\", \"state\": \"painting\"%s}}".formatted(key, owner);

        assertThat(callboard.post("easel?ref=o-1", body).statusCode()).isEqualTo(200);

        assertThat(callboard.task("easel", key).at("/task/businessId").asText()).isEqualTo(businessId);
    }

    @ParameterizedTest
    @CsvSource({"files-1, '\"none\"'", "files-2, null", "files-3, '[]'", "files-4, '[\"none\"]'", "files-5, '{}'"})
    void recordsACallbackWhoseFilesAreNoListOfFiles(String key, String files) {
        String body = "{\"render\": {\"key\": \"%s\", \"state\": \"ready\", \"files\": %s}}".formatted(key, files);

        assertThat(callboard.post("easel", body).statusCode()).isEqualTo(200);

        assertThat(callboard.task("easel", key).at("/results")).isEmpty();
    }

    @Test
    void mailsItsFailedTasks() {
        String body =
                """
                {"event": "render.updated", "render": {"key": "r-2", "state": "broken", "why": "out of paint"}}""";

        assertThat(callboard.post("easel", body).statusCode()).isEqualTo(200);

        await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> assertThat(callboard.mails())
                .anySatisfy(mail -> assertThat(mail.getSubject()).contains("Easel", "r-2")));
    }

    @Test
    void answersACallbackThatItsSchemaDoesNotAllowWith400() {
        assertThat(callboard
                        .post("easel", "{\"render\": {\"state\": \"ready\"}}")
                        .statusCode())
                .isEqualTo(400);
        assertThat(callboard.rows("SELECT 1 FROM callback WHERE provider = 'easel' AND task_id = ''"))
                .isEmpty();
    }
}
